import { chmod, copyFile, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { joinRepository } from '../../../src/oci/reference.ts';
import type { Descriptor, ImageRepository } from '../../../src/oci/types.ts';
import { tool } from '../../tools/locate.ts';
import { run } from './run.ts';
import { type ImageConfig, pushIndex, pushTars } from './tar-image.ts';

/** References by digest of bases that were pushed to a loopback registry. */
export interface BaseImages {
  /** A shell, CA certificates and this machine's Go, for this machine's platform. */
  readonly go: string;
  /** CA certificates and an unprivileged user, for linux/amd64 and linux/arm64. */
  readonly runtime: string;
}

const NONROOT = '65532';
/** Of Go, what no program is compiled with. */
const UNUSED_GO = ['./test', './api', './doc', './misc', './src/cmd', '*_test.go', 'testdata'];
/** In every base: the certificates that this machine trusts. */
export const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/**
 * Assembles base images out of what this machine has and pushes them, so that nothing is downloaded.
 * Their digests differ from run to run: the tars hold file times.
 */
export async function pushBaseImages(host: string): Promise<BaseImages> {
  const folder = await mkdtemp(join(tmpdir(), 'primitive-bases-'));
  try {
    return {
      go: await pushGo(folder, joinRepository(host, 'bases/golang')),
      runtime: await pushRuntime(folder, joinRepository(host, 'bases/runtime')),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function pushGo(folder: string, repository: ImageRepository): Promise<string> {
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
    ...UNUSED_GO.map((unused) => `--exclude=${unused}`),
    '.',
  ]);
  const image = await pushTars(repository, [await tarOf(files), goTar], {
    Env: [
      'PATH=/usr/local/go/bin:/go/bin:/bin',
      'GOPATH=/go',
      'GOTOOLCHAIN=local',
      // There is no C compiler.
      'CGO_ENABLED=0',
      `SSL_CERT_FILE=${CERTIFICATES}`,
    ],
    WorkingDir: '/go',
  });
  return `${repository}@${image.digest}`;
}

async function pushRuntime(folder: string, repository: ImageRepository): Promise<string> {
  const files = join(folder, 'runtime');
  await commonFiles(files);
  const tar = await tarOf(files);
  const children: Descriptor[] = [];
  for (const architecture of ['amd64', 'arm64'])
    children.push(await pushTars(repository, [tar], { architecture, User: NONROOT }));
  return pushIndex(repository, children);
}

/** Pushes an image with a shell and the small programs beside it; its reference by digest. */
export async function pushShell(repository: ImageRepository, config: ImageConfig = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'primitive-shell-'));
  try {
    const files = join(folder, 'files');
    await commonFiles(files);
    await shell(files);
    const { digest } = await pushTars(repository, [await tarOf(files)], { Env: ['PATH=/bin'], ...config });
    return `${repository}@${digest}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
