import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { AssetHashType, DockerImage } from 'aws-cdk-lib/core';

const PROJECT = join(import.meta.dirname, '..');

/** Name of a function's file in `lambda/handlers/`. */
export type HandlerName = 'inference' | 'admin' | 'upkeep' | 'budget-widget';

/** The file that exports a function's `handler`. */
const handlerFile = (name: HandlerName): string => join(PROJECT, 'lambda', 'handlers', `${name}.ts`);

/**
 * A function's code: its handler bundled with the operator's configuration. The asset is named by the hash of what comes
 * out, so an edit that leaves a bundle as it was deploys nothing.
 *
 * CDK wants bundles synchronously and esbuild runs plugins only asynchronously, hence a process of its own. It needs
 * neither Docker nor network.
 */
export function functionCode(name: HandlerName, configFile: string): Code {
  const parameters = ['--entry', handlerFile(name), '--config', resolve(configFile)];
  return Code.fromAsset(join(PROJECT, 'lambda'), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: NO_IMAGE,
      // Never run. It is part of the key under which CDK remembers bundles, and four of them have the same source folder.
      command: parameters,
      local: {
        tryBundle(outputDirectory) {
          const bundler = join(import.meta.dirname, 'bundle.ts');
          execFileSync(process.execPath, [bundler, ...parameters, '--out', outputDirectory], {
            stdio: ['ignore', 'inherit', 'inherit'],
          });
          return true;
        },
      },
    },
  });
}

/** CDK demands an image to fall back on; bundling locally never does. */
const NO_IMAGE = DockerImage.fromRegistry('scratch');
