import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tool } from '../../tools/locate.ts';
import { run } from './run.ts';
import { inFolder, removeFolder, type Service, startProgram, stopper } from './service.ts';

/** How a container is started. */
export interface ContainerOptions {
  /** Over what the image sets. */
  readonly env: Readonly<Record<string, string>>;
  /** Instead of the CMD of the image. */
  readonly command?: readonly string[];
}

/** A running container: the process of an image, in its own file system, as its own user. */
export interface Container extends Service {
  /** Rejects with the log when the process ends by itself; never resolves. */
  readonly failed: Promise<never>;
  /** The exit code; undefined where a signal ended the process. */
  readonly exit: Promise<number | undefined>;
  /** SIGTERM, and SIGKILL five seconds later; then the exit code. */
  terminate(): Promise<number | undefined>;
  log(): Promise<string>;
}

/** What `crane config` prints, as far as it matters here (OCI image spec, "Image Configuration"). */
interface ImageConfig {
  readonly User: string;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
}

/** An image on disk, for any number of containers. */
export interface UnpackedImage extends Service {
  readonly rootfs: string;
  readonly config: ImageConfig;
}

/** Unpacks an image of a loopback registry. */
export function unpackImage(ref: string): Promise<UnpackedImage> {
  return inFolder('image', async (folder) => {
    const rootfs = join(folder, 'rootfs');
    const tar = `${rootfs}.tar`;
    await mkdir(rootfs);
    await run(tool('crane'), ['export', ref, tar]);
    await run('tar', ['--extract', `--file=${tar}`, `--directory=${rootfs}`, '--numeric-owner']);
    const { config } = JSON.parse(await run(tool('crane'), ['config', ref])) as {
      readonly config: ImageConfig;
    };
    const stop = stopper(() => removeFolder(folder));
    return { rootfs, config, stop, [Symbol.asyncDispose]: stop };
  });
}

let containers = 0;

/**
 * Starts an image by runc, as hardened clusters do: no part of its file system but /tmp can be written, no capabilities,
 * no new privileges. The network is this machine's.
 */
export function startContainer(image: UnpackedImage, options: ContainerOptions): Promise<Container> {
  return inFolder('container', async (folder) => {
    await writeFile(join(folder, 'config.json'), JSON.stringify(specOf(image, options)));
    const id = `primitive-test-${process.pid}-${++containers}`;
    const runc = ['--root', join(folder, 'state')];
    const program = startProgram(tool('runc'), [...runc, 'run', '--bundle', folder, id], { folder });
    const stop = stopper(
      () => program.stop(),
      () => run(tool('runc'), [...runc, 'delete', '--force', id]),
      () => removeFolder(folder),
    );
    return {
      failed: program.failed,
      exit: program.exit,
      terminate: () => program.stop().then(() => program.exit),
      log: () => readFile(program.logFile, 'utf8'),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  });
}

/** The bundle's `config.json` (OCI runtime spec 1.0). */
function specOf({ rootfs, config: image }: UnpackedImage, { env, command }: ContainerOptions) {
  const [uid = Number.NaN, gid = uid] = image.User.split(':').map(Number);
  if (!(uid > 0))
    throw new Error(`the image runs as "${image.User}", which a cluster cannot know not to be root`);
  const overridden = (image.Env ?? []).filter(
    (line) => !Object.hasOwn(env, line.slice(0, line.indexOf('='))),
  );
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid, gid },
      args: [...(image.Entrypoint ?? []), ...(command ?? image.Cmd ?? [])],
      env: [...overridden, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
      cwd: image.WorkingDir || '/',
      noNewPrivileges: true,
    },
    root: { path: rootfs, readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777'] },
    ],
    linux: { namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })) },
  };
}
