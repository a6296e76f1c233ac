import { chmod, copyFile, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tool } from '../../tools/locate.ts';
import { run } from './run.ts';

/** References by digest of bases that were pushed to a loopback registry. */
export interface BaseImages {
  /** A shell, CA certificates and this machine's Go, for this machine's platform. */
  readonly go: string;
  /** CA certificates and an unprivileged user, for linux/amd64 and linux/arm64. */
  readonly runtime: string;
}

export interface BaseImageOptions {
  /** Environment for crane, for a registry with credentials or its own authority. */
  readonly env?: Readonly<Record<string, string>>;
}

const PLATFORMS = ['linux/amd64', 'linux/arm64'];
const NONROOT = '65532';
/** For `crane mutate`: the platform of this machine, whose programs a base is made of. */
export const OWN_PLATFORM = `--set-platform=linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;
/** In every base: the certificates that this machine trusts. */
export const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/**
 * Assembles base images out of what this machine has and pushes them, so that nothing is downloaded.
 * Their digests differ from run to run: the tars hold file times.
 */
export async function pushBaseImages(host: string, options: BaseImageOptions = {}): Promise<BaseImages> {
  const folder = await mkdtemp(join(tmpdir(), 'primitive-bases-'));
  try {
    return {
      go: await pushGo(folder, `${host}/bases/golang`, options),
      runtime: await pushRuntime(folder, `${host}/bases/runtime`, options),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Only the small runtime base; a second's work instead of several. */
export async function pushRuntimeBase(host: string, options: BaseImageOptions = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'primitive-bases-'));
  try {
    return await pushRuntime(folder, `${host}/bases/runtime`, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function pushGo(folder: string, repository: string, options: BaseImageOptions): Promise<string> {
  const files = join(folder, 'go');
  await commonFiles(files);
  await shell(files);
  const goroot = (await run(tool('go'), ['env', 'GOROOT'])).trim();
  const goTar = join(folder, 'goroot.tar');
  await run('tar', [
    '--create',
    `--file=${goTar}`,
    `--directory=${goroot}`,
    // Links keep their targets, only the members move to where Go usually stands.
    '--transform=flags=rh;s,^\\.,usr/local/go,',
    ...['./test', './api', './doc', './misc'].map((unused) => `--exclude=${unused}`),
    '.',
  ]);
  return pushImage(repository, [await tarOf(files), goTar], options, [
    OWN_PLATFORM,
    '--env=PATH=/usr/local/go/bin:/go/bin:/bin',
    '--env=GOPATH=/go',
    '--env=GOTOOLCHAIN=local',
    // There is no C compiler.
    '--env=CGO_ENABLED=0',
    `--env=SSL_CERT_FILE=${CERTIFICATES}`,
    '--workdir=/go',
  ]);
}

async function pushRuntime(folder: string, repository: string, options: BaseImageOptions): Promise<string> {
  const files = join(folder, 'runtime');
  await commonFiles(files);
  const tar = await tarOf(files);
  const children: string[] = [];
  for (const platform of PLATFORMS) {
    children.push(
      await pushImage(repository, [tar], options, [`--set-platform=${platform}`, `--user=${NONROOT}`]),
    );
  }
  const index = await run(
    tool('crane'),
    ['index', 'append', ...children.map((child) => `--manifest=${child}`), `--tag=${repository}:base`],
    { ...options },
  );
  return `${repository}@${digestIn(index)}`;
}

/** Pushes one image of these layers, with what `crane mutate` sets, and gives its reference by digest. */
export async function pushImage(
  repository: string,
  layers: readonly string[],
  options: BaseImageOptions,
  settings: readonly string[],
): Promise<string> {
  const crane = tool('crane');
  const tag = `${repository}:base`;
  const files = layers.map((layer) => `--new_layer=${layer}`);
  const appended = await run(crane, ['append', '--oci-empty-base', ...files, `--new_tag=${tag}`], {
    ...options,
  });
  const source = `${repository}@${digestIn(appended)}`;
  const mutated = await run(crane, ['mutate', ...settings, `--tag=${tag}`, source], { ...options });
  return `${repository}@${digestIn(mutated)}`;
}

function digestIn(output: string): string {
  const digest = /sha256:[0-9a-f]{64}/.exec(output)?.[0];
  if (digest === undefined) throw new Error(`crane printed no digest: ${output}`);
  return digest;
}

/** What every base has: certificates, a user, a folder for temporary files. */
export async function commonFiles(root: string): Promise<void> {
  await mkdir(join(root, 'etc/ssl/certs'), { recursive: true });
  await mkdir(join(root, 'home/nonroot'), { recursive: true });
  await mkdir(join(root, 'tmp'));
  await chmod(join(root, 'tmp'), 0o1777);
  await cp(tool('ca-certificates'), join(root, CERTIFICATES), { dereference: true });
  await writeFile(
    join(root, 'etc/passwd'),
    `root:x:0:0:root:/root:/bin/sh\nnonroot:x:${NONROOT}:${NONROOT}:nonroot:/home/nonroot:/bin/false\n`,
  );
  await writeFile(join(root, 'etc/group'), `root:x:0:\nnonroot:x:${NONROOT}:\n`);
}

/** A shell and the small programs beside it, in `bin`. */
export async function shell(root: string): Promise<void> {
  await mkdir(join(root, 'bin'));
  await copyFile(tool('busybox'), join(root, 'bin/busybox'));
  const applets = (await run(tool('busybox'), ['--list'])).trim().split('\n');
  await Promise.all(
    applets
      .filter((applet) => applet !== 'busybox')
      .map((applet) => symlink('busybox', join(root, 'bin', applet))),
  );
}

/** A layer of everything in a folder, owned by root. */
export async function tarOf(folder: string): Promise<string> {
  const file = `${folder}.tar`;
  const owner = ['--owner=0', '--group=0', '--numeric-owner'];
  await run('tar', ['--create', `--file=${file}`, `--directory=${folder}`, ...owner, '.']);
  return file;
}
