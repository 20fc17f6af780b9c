import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from './engine.ts';

/** One function as it would be deployed. */
export interface SynthesizedFunction {
  /** The folder that would be uploaded. */
  readonly directory: string;
  /** Its variables, every reference resolved. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface CloudAssembly {
  /** @param path the end of its construct path: `Functions/Inference` */
  function(path: string): SynthesizedFunction;
  remove(): Promise<void>;
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

interface Resource {
  readonly Type: string;
  readonly Properties: {
    readonly Code: { readonly S3Key: string };
    readonly Environment: { readonly Variables: Readonly<Record<string, Json>> };
  };
  readonly Metadata?: Readonly<Record<string, string>>;
}

interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: Json }>>;
}

interface AssetManifest {
  readonly files: Readonly<
    Record<
      string,
      {
        readonly source: { readonly path: string };
        readonly destinations: Readonly<Record<string, { readonly objectKey: string }>>;
      }
    >
  >;
}

const STACKS = ['Sluice-Data', 'Sluice-Gateway', 'Sluice-Observability'];

/**
 * Runs `cdk synth`, bundling included, into a folder of its own.
 * @param physicalName what a resource, given by type and logical id, would be called once deployed: what `Ref` gives, or the ARN
 */
export async function synthesizeAssembly(
  configFile: string,
  physicalName: (type: string, logicalId: string) => string,
): Promise<CloudAssembly> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-assembly-'));
  const cdk = join(PROJECT_ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  await promisify(execFile)(
    process.execPath,
    [cdk, 'synth', '--quiet', '--no-notices', '--output', directory],
    {
      cwd: PROJECT_ROOT,
      env: { ...process.env, SLUICE_CONFIG: configFile, CDK_DISABLE_CLI_TELEMETRY: 'true' },
    },
  );
  // CDK writes these files; their shape is CloudFormation's and that of its asset manifest.
  const read = <File>(name: string): File => JSON.parse(readFileSync(join(directory, name), 'utf8')) as File;
  const templates = new Map(STACKS.map((name) => [name, read<Template>(`${name}.template.json`)]));
  const files = STACKS.flatMap((name) => Object.values(read<AssetManifest>(`${name}.assets.json`).files));
  return {
    function(path) {
      const { Properties } = functionAt(templates, path);
      const { S3Key } = Properties.Code;
      const asset = files.find(({ destinations }) =>
        Object.values(destinations).some(({ objectKey }) => objectKey === S3Key),
      );
      if (asset === undefined) throw new Error(`No stack uploads ${S3Key}.`);
      const variables = Object.entries(Properties.Environment.Variables);
      const resolve = resolver(templates, physicalName);
      return {
        directory: join(directory, asset.source.path),
        environment: Object.fromEntries(variables.map(([name, value]) => [name, resolve(value)])),
      };
    },
    remove: () => rm(directory, { recursive: true }),
  };
}

function functionAt(templates: ReadonlyMap<string, Template>, path: string): Resource {
  const found = [...templates.values()]
    .flatMap(({ Resources }) => Object.values(Resources))
    .find(
      ({ Type, Metadata }) =>
        Type === 'AWS::Lambda::Function' &&
        Metadata?.['aws:cdk:path']?.endsWith(`/${path}/Function/Resource`) === true,
    );
  if (found === undefined) throw new Error(`No function is at ${path}.`);
  return found;
}

/** Does what CloudFormation would: joins text, follows outputs into other stacks, names resources. */
function resolver(
  templates: ReadonlyMap<string, Template>,
  physicalName: (type: string, logicalId: string) => string,
): (value: Json) => string {
  const resolve = (value: Json, stack?: Template): string => {
    if (typeof value === 'string') return value;
    // What is no text is a call of one of these functions, which have no other arguments in our templates.
    const [[name, given]] = Object.entries(value ?? {}) as [[string, Json]];
    switch (name) {
      case 'Fn::Join': {
        const [separator, parts] = given as [string, readonly Json[]];
        return parts.map((part) => resolve(part, stack)).join(separator);
      }
      case 'Fn::GetStackOutput': {
        const { StackName = '', OutputName = '' } = given as Readonly<Record<string, string>>;
        const other = templates.get(StackName);
        return resolve(other?.Outputs?.[OutputName]?.Value ?? null, other);
      }
      // The only attributes that anything asks for are ARNs.
      case 'Fn::GetAtt': {
        const [logicalId = ''] = given as readonly string[];
        return physicalName(stack?.Resources[logicalId]?.Type ?? '', logicalId);
      }
      case 'Ref':
        return physicalName(stack?.Resources[String(given)]?.Type ?? '', String(given));
      default:
        throw new Error(`Only CloudFormation can resolve ${name}.`);
    }
  };
  return resolve;
}
