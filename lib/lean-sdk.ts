import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Plugin } from 'esbuild';

/** Where a function finds its credentials: in its environment, or at the address that its environment names. */
const FUNCTION_CREDENTIALS = `
  import { fromEnv } from '@aws-sdk/credential-provider-env';
  import { fromHttp } from '@aws-sdk/credential-provider-http';
  export const defaultProvider = (options) =>
    process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI === undefined ? fromEnv(options) : fromHttp(options);`;

/** Only a token in a file needs it, which is how Kubernetes hands tokens out. */
const LATE_FILE_PROMISES = `
  export default { readFile: (...given) => process.getBuiltinModule('node:fs/promises').readFile(...given) };`;

const PACKAGES = '/node_modules/';
const INI_FILES = '@smithy/core/dist-es/submodules/config/shared-ini-file-loader';

/** Files that a function does without, and what stands in for each. */
const REPLACED_FILES: Readonly<Record<string, string>> = {
  // None of the operations called has an event stream.
  '@smithy/core/dist-es/submodules/event-streams/index.js': 'export {};',
  // It names browsers.
  'bowser/bowser.mjs': 'export default {};',
  // A function has no ~/.aws, and no profile in it.
  [`${INI_FILES}/loadSharedConfigFiles.js`]: `
    export { CONFIG_PREFIX_SEPARATOR } from './constants';
    export const loadSharedConfigFiles = async () => ({ configFile: {}, credentialsFile: {} });`,
  [`${INI_FILES}/loadSsoSessionData.js`]: 'export const loadSsoSessionData = async () => ({});',
  [`${INI_FILES}/getSSOTokenFromFile.js`]: `
    export const tokenIntercept = {};
    export const getSSOTokenFromFile = async () => { throw new Error('A function has no single sign-on.'); };`,
  [`${INI_FILES}/readFile.js`]: `
    export const filePromises = {};
    export const fileIntercept = {};
    export const readFile = async () => { throw new Error('A function has no configuration files.'); };`,
  // Asking whether a body is one of the web's streams loads all of them; Node's HTTP client makes none.
  '@smithy/core/dist-es/submodules/serde/util-stream/stream-type-check.js': `
    export const isReadableStream = () => false;
    export const isBlob = () => false;`,
  // For a logger that has info and error, even if they do nothing, each call's input and output are walked through.
  '@smithy/core/dist-es/submodules/client/smithy-client/NoOpLogger.js':
    'export class NoOpLogger { trace() {} debug() {} warn() {} }',
};

/** Versions of the SDK's packages name themselves in each request; the rest of a package.json is never read. */
const PACKAGE_FILE = /@aws-sdk\/[^/]+\/package\.json$/;

/**
 * Leaves out what the AWS SDK carries and a function never uses: the search for credentials in profiles, single sign-on,
 * processes and EC2, with a client of its own for each; configuration files; event streams; web streams.
 *
 * Measured on the inference function under Lambda's own runtime client: without the other credentials, 133 of 588 kB and 9 of
 * the 55 ms it took to load; without the replaced files, another 50 kB, 6 of the 83 ms of INIT and 6 of the 50 ms of the first
 * request (medians of 12 to 40).
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
export function leanSdkPlugin(): Plugin {
  return {
    name: 'lean-sdk',
    setup(pluginBuild) {
      pluginBuild.onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, ({ path, resolveDir }) => ({
        path,
        namespace: 'function-credentials',
        pluginData: { resolveDir },
      }));
      pluginBuild.onLoad({ filter: /.*/, namespace: 'function-credentials' }, ({ pluginData }) => ({
        contents: FUNCTION_CREDENTIALS,
        resolveDir: pluginData.resolveDir,
        loader: 'js',
      }));
      pluginBuild.onResolve({ filter: /^node:fs\/promises$/ }, ({ path, importer }) =>
        importer.includes('/@aws-sdk/credential-provider-http/')
          ? { path, namespace: 'late-file-promises' }
          : undefined,
      );
      pluginBuild.onLoad({ filter: /.*/, namespace: 'late-file-promises' }, () => ({
        contents: LATE_FILE_PROMISES,
        loader: 'js',
      }));
      pluginBuild.onLoad({ filter: /\/node_modules\/(?:@smithy\/core|bowser)\// }, ({ path }) => {
        const contents = REPLACED_FILES[path.slice(path.lastIndexOf(PACKAGES) + PACKAGES.length)];
        return contents === undefined ? undefined : { contents, resolveDir: dirname(path), loader: 'js' };
      });
      pluginBuild.onLoad({ filter: PACKAGE_FILE }, async ({ path }) => {
        const { version } = JSON.parse(await readFile(path, 'utf8'));
        return { contents: JSON.stringify({ version }), loader: 'json' };
      });
    },
  };
}
