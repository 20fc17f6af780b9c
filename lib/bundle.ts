import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, type Metafile, type Plugin } from 'esbuild';
import { leanSdkPlugin } from './lean-sdk.ts';
import { loadOperatorConfig } from './operator-config.ts';

/** One function's code, from its handler file to the folder that is deployed. */
export interface BundleOptions {
  /** The handler file. It exports `handler`. */
  readonly entry: string;
  /** Folder that receives `index.mjs`, the parts it loads, source maps, and the data files the code reads. */
  readonly outputDirectory: string;
  /** The operator's `gateway.config.ts`; `#gateway-config` in the code means this file. */
  readonly configFile: string;
}

/** The price catalogue, wherever it is imported from. */
const PRICE_CATALOGUE = /(?:^|\/)price-catalogue\.json$/;

/**
 * Bundles one function with esbuild: ESM for Node 24, minified, the AWS SDK included. `mainFields` puts the packages' ES
 * modules first, which is what makes an ESM bundle of the SDK load at all, and a third smaller. What the code imports on
 * demand is a part of its own, which costs nothing until then. The source map is a file
 * beside the code: it costs nothing until `NODE_OPTIONS=--enable-source-maps` asks for it.
 * @throws esbuild's BuildFailure, which lists each fault with its place
 * @returns what went into the bundle, and how much of it
 */
export async function bundleFunction(options: BundleOptions): Promise<Metafile> {
  await mkdir(options.outputDirectory, { recursive: true });
  const { metafile } = await build({
    entryPoints: [{ in: options.entry, out: 'index' }],
    outdir: options.outputDirectory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    chunkNames: 'part-[hash]',
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'none',
    sourcemap: 'linked',
    sourcesContent: false,
    metafile: true,
    logLevel: 'warning',
    plugins: [
      leanSdkPlugin(),
      builtinModulesPlugin(),
      gatewayConfigPlugin(options),
      priceCataloguePlugin(options),
      vectorsPlugin(options),
      providersPlugin(options),
    ],
  });
  return metafile;
}

/**
 * Loads Node's own modules with `process.getBuiltinModule()` in place of `import`. An import builds an ESM facade, which
 * reads every export once; on `node:http` that touches the lazy getters of WebSocket and MessageEvent and so loads all of
 * undici. Measured on Node 24.21 with the AWS SDK in the bundle: 94 ms of INIT with imports, 76 ms without.
 * @see https://nodejs.org/docs/latest-v24.x/api/process.html#processgetbuiltinmoduleid
 */
function builtinModulesPlugin(): Plugin {
  const names = new Set(builtinModules);
  return {
    name: 'builtin-modules',
    setup(pluginBuild) {
      pluginBuild.onResolve({ filter: /^(?:node:)?[a-z_0-9]+(?:\/[a-z_]+)?$/ }, ({ path }) => {
        const name = path.replace(/^node:/, '');
        return names.has(name) || path.startsWith('node:') ? { path: name, namespace: 'builtin' } : undefined;
      });
      pluginBuild.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
        contents: `module.exports = process.getBuiltinModule('node:${path}');`,
        loader: 'js',
      }));
    },
  };
}

/** `#gateway-config` is the operator's own file, wherever it lies. */
function gatewayConfigPlugin({ configFile }: BundleOptions): Plugin {
  return {
    name: 'gateway-config',
    setup(pluginBuild) {
      pluginBuild.onResolve({ filter: /^#gateway-config$/ }, () => ({ path: resolve(configFile) }));
    },
  };
}

/**
 * Without a semantic cache nobody asks for vectors. Their client is loaded on demand, but what it shares with the other
 * clients of the SDK would be loaded at the start all the same: 14 of 475 kB.
 */
function vectorsPlugin({ configFile }: BundleOptions): Plugin {
  return {
    name: 'vectors',
    setup(pluginBuild) {
      if (loadOperatorConfig(configFile).semanticCache !== undefined) return;
      pluginBuild.onLoad({ filter: /\/adapters\/s3-vectors\/[^/]+\.ts$/ }, () => ({ contents: '' }));
    },
  };
}

const PROVIDER_IMPORT = /^import \{ (\w+) \} from '\.\/([a-z0-9-]+)\/provider\.ts';\n/gm;

/**
 * Of Sluice's providers a function knows those that its operator declares: all of them are 25 of 545 kB at the start. Google's
 * library, which comes on demand, is left out where no provider is called with it.
 */
function providersPlugin({ configFile }: BundleOptions): Plugin {
  return {
    name: 'providers',
    setup(pluginBuild) {
      const kinds = new Set(Object.values(loadOperatorConfig(configFile).providers).map(({ kind }) => kind));
      pluginBuild.onLoad({ filter: /\/lambda\/providers\/registry\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        const others = [...source.matchAll(PROVIDER_IMPORT)].filter(([, , kind = '']) => !kinds.has(kind));
        const contents = others.reduce(
          (text, [line, name = '']) => text.replace(line, '').replace(new RegExp(`\\b${name},\\s*`), ''),
          source,
        );
        return { contents, loader: 'ts', resolveDir: dirname(path) };
      });
      if (kinds.has('vertex')) return;
      pluginBuild.onLoad({ filter: /\/adapters\/google-auth\/[^/]+\.ts$/ }, () => ({ contents: '' }));
    },
  };
}

/**
 * Lays the price catalogue beside the code, one line a provider, and reads a provider's when it is first asked for. As part
 * of the code it would be compiled as JavaScript; read whole, its 2,000 models took 3 of the 83 ms of INIT.
 */
function priceCataloguePlugin({ outputDirectory }: BundleOptions): Plugin {
  return {
    name: 'price-catalogue',
    setup(pluginBuild) {
      pluginBuild.onResolve({ filter: PRICE_CATALOGUE }, ({ path, resolveDir }) => ({
        path: resolve(resolveDir, path),
        namespace: 'price-catalogue',
      }));
      pluginBuild.onLoad({ filter: /.*/, namespace: 'price-catalogue' }, async ({ path }) => {
        const { models, ...rest } = JSON.parse(await readFile(path, 'utf8'));
        const lines = Object.values(models).map((value) => `${JSON.stringify(value)}\n`);
        const file = `${basename(path)}l`;
        await writeFile(join(outputDirectory, file), lines.join(''));
        return {
          contents: catalogueModule(file, rest, linePositions(Object.keys(models), lines)),
          loader: 'js',
        };
      });
    },
  };
}

/** Where a provider's line begins and ends, in bytes. */
type LinePosition = readonly [provider: string, begin: number, end: number];

function linePositions(providers: readonly string[], lines: readonly string[]): readonly LinePosition[] {
  let end = 0;
  return providers.map((provider, index) => {
    const begin = end;
    end += Buffer.byteLength(lines[index] ?? '');
    return [provider, begin, end];
  });
}

/** Code that looks like the catalogue, whose providers turn from getters into values as they are read. */
const catalogueModule = (file: string, rest: object, positions: readonly LinePosition[]): string => `
  const { readFileSync } = process.getBuiltinModule('node:fs');
  const models = {};
  const define = (provider, property) =>
    Object.defineProperty(models, provider, { enumerable: true, configurable: true, ...property });
  for (const [provider, begin, end] of ${JSON.stringify(positions)})
    define(provider, {
      get() {
        const bytes = readFileSync(import.meta.dirname + ${JSON.stringify(`/${file}`)});
        const value = JSON.parse(bytes.toString('utf8', begin, end));
        define(provider, { value });
        return value;
      },
    });
  export default { ...${JSON.stringify(rest)}, models };`;

/** Lists what is in a bundle, largest first, packages as one line each, with their minified bytes. */
export function describeBundle(metafile: Metafile): readonly string[] {
  const { outputs } = metafile;
  const code = Object.keys(outputs).filter((path) => path.endsWith('.mjs'));
  const atStart = loadedAtStart(
    outputs,
    code.filter((path) => basename(path) === 'index.mjs'),
  );
  const describe = (title: string, paths: readonly string[]): readonly string[] => {
    const parts = paths.flatMap((path) => outputs[path] ?? []);
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    return bytes === 0 ? [] : [`${kilobytes(bytes)}  ${title}`, ...linesBySize(parts)];
  };
  return [
    ...describe('in all, loaded at the start', [...atStart]),
    ...describe(
      'in all, loaded on demand',
      code.filter((path) => !atStart.has(path)),
    ),
  ];
}

/** The given outputs and those they import statically. */
function loadedAtStart(outputs: Metafile['outputs'], paths: readonly string[]): ReadonlySet<string> {
  const found = new Set(paths);
  for (const path of found)
    for (const { kind, path: target } of outputs[path]?.imports ?? [])
      if (kind === 'import-statement' && outputs[target] !== undefined) found.add(target);
  return found;
}

function linesBySize(parts: readonly Metafile['outputs'][string][]): readonly string[] {
  const sizes = new Map<string, number>();
  for (const [path, { bytesInOutput }] of parts.flatMap(({ inputs }) => Object.entries(inputs))) {
    const origin = originOf(path);
    sizes.set(origin, (sizes.get(origin) ?? 0) + bytesInOutput);
  }
  return [...sizes]
    .sort(([, left], [, right]) => right - left)
    .map(([origin, bytes]) => `${kilobytes(bytes)}  ${origin}`);
}

/** The package a bundled file comes from, or its folder in this project. */
function originOf(path: string): string {
  const inPackage = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
  if (inPackage !== undefined) return inPackage;
  return path.startsWith('builtin:') ? 'node' : dirname(path);
}

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1).padStart(8)} kB`;

/** `--entry --out --config` bundles one function; `--report --config` with entries prints what each would hold. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      entry: { type: 'string' },
      out: { type: 'string' },
      config: { type: 'string', default: 'gateway.config.ts' },
      report: { type: 'boolean', default: false },
    },
  });
  if (values.report) {
    for (const entry of positionals) await report(entry, values.config);
    return;
  }
  if (values.entry === undefined || values.out === undefined)
    throw new Error('Usage: bundle.ts --entry <file> --out <folder> [--config <file>] | --report <file>…');
  await bundleFunction({ entry: values.entry, outputDirectory: values.out, configFile: values.config });
}

async function report(entry: string, configFile: string): Promise<void> {
  const outputDirectory = await mkdtemp(join(tmpdir(), 'sluice-bundle-'));
  try {
    const lines = describeBundle(await bundleFunction({ entry, outputDirectory, configFile }));
    process.stdout.write(`${entry}\n${lines.join('\n')}\n\n`);
  } finally {
    await rm(outputDirectory, { recursive: true });
  }
}

if (import.meta.main) await main();
