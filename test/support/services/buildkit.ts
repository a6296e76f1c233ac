import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { tool, toolsDir } from '../../tools/locate.ts';
import { run } from './run.ts';
import { inFolder, removeFolder, type Service, startProgram, stopper, untilReady } from './service.ts';

export interface BuildkitOptions {
  /** `HOST:PORT` of registries that speak plain HTTP. */
  readonly insecureRegistries?: readonly string[];
  /** For its configuration file, as they stand. */
  readonly lines?: readonly string[];
  /** Steps of a build see this machine's network, for those that fetch packages; they have none of their own otherwise. */
  readonly hostNetwork?: boolean;
  /**
   * What steps write to cache mounts, such as compiled packages, is there for the next run of the tests: beside the tools,
   * safe to delete. Of several daemons at a time one has it.
   */
  readonly keepCacheMounts?: boolean;
}

/** buildkitd on a Unix socket, and a buildx builder that uses it. Needs root and runc. */
export interface Buildkit extends Service {
  /** `unix://…`, for buildctl and for builders of one's own. */
  readonly address: string;
  /** Name of the builder, of driver `remote`. */
  readonly builder: string;
  /** What buildx needs to find the builder: a configuration folder of its own, and the builder's name. */
  readonly env: Readonly<Record<'BUILDX_CONFIG' | 'BUILDX_BUILDER', string>>;
  readonly logFile: string;
}

const BUILDER = 'primitive-test';

/** Starts a buildkitd in a folder of its own, with an empty cache but for cache mounts that are kept. */
export function startBuildkit(options: BuildkitOptions = {}): Promise<Buildkit> {
  return inFolder('buildkit', async (folder) => {
    const socket = join(folder, 'buildkitd.sock');
    const address = `unix://${socket}`;
    const configFile = join(folder, 'buildkitd.toml');
    await writeFile(configFile, config(options));
    const start = async (root: string) => {
      const program = startProgram(
        tool('buildkitd'),
        [`--config=${configFile}`, `--root=${root}`, `--addr=${address}`],
        { folder, env: { PATH: `${dirname(tool('runc'))}${delimiter}${process.env.PATH ?? ''}` } },
      );
      await untilReady(program, () => accepts(socket));
      return program;
    };
    const own = join(folder, 'root');
    const kept = join(toolsDir(), 'cache/buildkit');
    let keeps = options.keepCacheMounts ?? false;
    const program = await start(keeps ? kept : own).catch((error: Error) => {
      if (!keeps || !/could not lock/.test(error.message)) throw error;
      keeps = false;
      return start(own);
    });
    const forgetTheRest = () =>
      run(tool('buildctl'), [`--addr=${address}`, 'prune', '--all', '--filter=type!=exec.cachemount']);
    const buildxConfig = join(folder, 'buildx');
    await mkdir(buildxConfig);
    const env = { BUILDX_CONFIG: buildxConfig, BUILDX_BUILDER: BUILDER };
    try {
      await run(tool('buildx'), ['create', '--name', BUILDER, '--driver', 'remote', address], { env });
    } catch (error) {
      await program.stop();
      throw error;
    }
    const stop = stopper(
      () => (keeps ? forgetTheRest() : undefined),
      () => program.stop(),
      () => removeFolder(folder),
    );
    return { address, builder: BUILDER, env, logFile: program.logFile, stop, [Symbol.asyncDispose]: stop };
  });
}

function config({ insecureRegistries = [], lines = [], hostNetwork = false }: BuildkitOptions): string {
  const registries = insecureRegistries.map((host) => `[registry.${JSON.stringify(host)}]\n  http = true\n`);
  const network = hostNetwork ? '  networkMode = "host"\n' : '';
  return [
    `[worker.oci]\n  enabled = true\n  gc = false\n${network}`,
    '[worker.containerd]\n  enabled = false\n',
    ...registries,
    ...lines,
  ].join('\n');
}

/** buildkitd listens only once its workers stand. */
function accepts(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.on('error', () => resolve(false));
    connection.on('connect', () => {
      connection.destroy();
      resolve(true);
    });
  });
}
