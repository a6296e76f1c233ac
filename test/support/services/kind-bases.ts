import { appendFile, copyFile, cp, mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readBases } from '../../../src/kinds/template.ts';
import type { ImageRepository } from '../../../src/oci/types.ts';
import { tool } from '../../tools/locate.ts';
import { CERTIFICATES, commonFiles, pushBaseImages, shell, tarOf } from './base-images.ts';
import { attempt, run } from './run.ts';
import { type ImageConfig, pushTars } from './tar-image.ts';

const table = join(import.meta.dirname, '../../../templates/bases.yaml');

/**
 * Assembles what stands for every base of the templates out of this machine's Go, Python, Node and npm, and pushes it.
 * Gives `build.bases` of a config: the reference in `FROM` and the one to use instead.
 */
export async function pushKindBases(host: string): Promise<Readonly<Record<string, string>>> {
  const bases = await readBases(table);
  const folder = await mkdtemp(join(tmpdir(), 'primitive-bases-'));
  try {
    const { go, runtime } = await pushBaseImages(host);
    return {
      [bases.goBuild]: go,
      [bases.goRun]: runtime,
      [bases.python]: await pushPython(join(folder, 'python'), host),
      [bases.nodeBuild]: await pushNodeBuild(join(folder, 'node-build'), host),
      [bases.nodeRun]: await pushNodeRun(join(folder, 'node-run'), host),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * What wheels may expect of every Debian (PEP 600, "manylinux") besides what Python itself is linked to; Node brings
 * the rest, the C++ runtime.
 */
const GLIBC = ['libdl.so.2', 'libm.so.6', 'libpthread.so.0', 'libresolv.so.2', 'librt.so.1', 'libutil.so.1'];

/** The interpreter stands where it does on this machine, because it looks for its library around itself. */
async function pushPython(files: string, host: string): Promise<string> {
  await commonFiles(files);
  await shell(files);
  const script = [
    'import json, os, sys, sysconfig, pip',
    'paths = sysconfig.get_paths()',
    'dynload = os.path.join(paths["platstdlib"], "lib-dynload")',
    'print(json.dumps({"interpreter": os.path.realpath(sys.executable), "library": paths["stdlib"],',
    '  "pip": os.path.dirname(pip.__file__), "parts": [os.path.join(dynload, x) for x in os.listdir(dynload)]}))',
  ].join('\n');
  const python = JSON.parse(await run(tool('python3'), ['-I', '-c', script])) as {
    readonly interpreter: string;
    readonly library: string;
    readonly pip: string;
    readonly parts: readonly string[];
  };
  await mkdir(join(files, 'usr/bin'), { recursive: true });
  for (const name of ['python', 'python3']) await symlink(python.interpreter, join(files, 'usr/bin', name));
  const linked = await libraries([python.interpreter, ...python.parts, process.execPath]);
  const libc = linked.find((path) => path.endsWith('/libc.so.6')) ?? '';
  const beside = GLIBC.map((name) => join(dirname(libc), name));
  const paths = [...new Set([python.interpreter, python.library, ...linked, ...beside])];
  const unused = ['test', 'idlelib', 'lib2to3', 'site-packages', '__pycache__', 'config-*'];
  const excluded = unused.map((name) => `--exclude=${join(python.library, name)}`);
  return pushBase(
    `${host}/bases/python`,
    [
      await tarOf(files),
      await tarOfPaths(`${files}-library.tar`, paths, excluded),
      await tarOfPaths(`${files}-pip.tar`, [python.pip], []),
    ],
    { Env: ['PATH=/usr/bin:/bin', `PIP_CERT=${CERTIFICATES}`, `SSL_CERT_FILE=${CERTIFICATES}`] },
  );
}

async function pushNodeBuild(files: string, host: string): Promise<string> {
  await commonFiles(files);
  await shell(files);
  const modules = join(files, 'usr/local/lib/node_modules');
  const bin = join(files, 'usr/local/bin');
  await mkdir(modules, { recursive: true });
  await mkdir(bin);
  await mkdir(join(files, 'usr/bin'));
  await copyFile(process.execPath, join(bin, 'node'));
  // Where it is, npm alone knows: its global folder is that of the Node that runs it, which need not be its own.
  const cli = await run('npm', ['exec', '--call', 'printf %s "$npm_execpath"']);
  await cp(dirname(dirname(await realpath(cli))), join(modules, 'npm'), { recursive: true });
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(bin, 'npm'));
  await symlink('../../bin/busybox', join(files, 'usr/bin/env'));
  return pushBase(`${host}/bases/node-build`, [await tarOf(files), await nodeLibraries(files)], {
    Env: ['PATH=/usr/local/bin:/usr/bin:/bin', `NODE_EXTRA_CA_CERTS=${CERTIFICATES}`],
  });
}

/** No shell: as in the base that it stands for, Node is all that there is. */
async function pushNodeRun(files: string, host: string): Promise<string> {
  await commonFiles(files);
  await mkdir(join(files, 'nodejs/bin'), { recursive: true });
  await copyFile(process.execPath, join(files, 'nodejs/bin/node'));
  return pushBase(`${host}/bases/node-run`, [await tarOf(files), await nodeLibraries(files)], {
    Entrypoint: ['/nodejs/bin/node'],
    User: '65532',
  });
}

async function pushBase(repository: string, tars: readonly string[], config: ImageConfig): Promise<string> {
  const { digest } = await pushTars(repository as ImageRepository, tars, config);
  return `${repository}@${digest}`;
}

async function nodeLibraries(files: string): Promise<string> {
  return tarOfPaths(`${files}-library.tar`, await libraries([process.execPath]), []);
}

/** This machine's Postgres and a shell, as the image of the Docker library has them on PATH; its reference by digest. */
export async function pushPostgres(repository: ImageRepository): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'primitive-postgres-'));
  try {
    const files = join(folder, 'files');
    await commonFiles(files);
    await shell(files);
    await appendFile(join(files, 'etc/passwd'), 'postgres:x:999:999:postgres:/tmp:/bin/sh\n');
    const programs = dirname(await realpath(tool('postgres')));
    const names = ['initdb', 'postgres', 'pg_isready'].map((name) => join(programs, name));
    const beside = (await run(join(programs, 'pg_config'), ['--pkglibdir', '--sharedir'])).trim().split('\n');
    const paths = [...names, ...beside, ...(await libraries(names)), '/usr/share/zoneinfo/Etc'];
    // Compiling queries takes a library of its own.
    const excluded = ['bitcode', 'man', 'llvmjit*'].map((name) => `--exclude=${name}`);
    const library = await tarOfPaths(join(folder, 'library.tar'), paths, excluded);
    return await pushBase(repository, [await tarOf(files), library], { Env: [`PATH=${programs}:/bin`] });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The shared libraries, loader included, that these files need to be loaded. */
async function libraries(files: readonly string[]): Promise<string[]> {
  // Says 1 where a file is not linked to anything, which is no failure.
  const { stdout } = await attempt('ldd', files);
  const found = stdout.matchAll(/(?:=>\s+|^\s+)(\/\S+) \(0x/gm);
  return [...new Set([...found].map(([, path = '']) => path))].sort();
}

/** A layer of files of this machine under the paths that they have here, links replaced by what they lead to. */
async function tarOfPaths(
  file: string,
  paths: readonly string[],
  options: readonly string[],
): Promise<string> {
  const owner = ['--owner=0', '--group=0', '--numeric-owner', '--mode=a+rX'];
  await run('tar', [
    '--create',
    `--file=${file}`,
    '--dereference',
    '--absolute-names',
    ...owner,
    ...options,
    ...paths,
  ]);
  return file;
}
