import { spawnSync } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { specOf, type ToolSpec } from './catalogue.ts';
import { compareVersions } from './version.ts';

/** Where a usable tool was found, in which version. */
export interface Found {
  readonly path: string;
  readonly version: string;
}

/** A tool that is not there, or only in a version that will not do. */
export class ToolMissing extends Error {
  readonly tool: string;
  readonly command: string;

  constructor(tool: string, why: string, command: string) {
    super(`${tool}: ${why}\n  get it: ${command}`);
    this.name = 'ToolMissing';
    this.tool = tool;
    this.command = command;
  }
}

/** The folder that holds what this project installed: `.tools`, or `PRIMITIVE_TOOLS_DIR`. */
export function toolsDir(): string {
  const chosen = process.env.PRIMITIVE_TOOLS_DIR;
  return chosen ? resolve(chosen) : resolve(import.meta.dirname, '../../.tools');
}

/** The folder of the programs inside the tools folder. */
export function toolsBin(): string {
  return join(toolsDir(), 'bin');
}

/** Absolute path of a usable tool; an error that names the command which gets it otherwise. */
export function tool(name: string): string {
  const spec = specOf(name);
  const { found, unfit } = search(spec);
  if (found) return found.path;
  const wanted = spec.below
    ? `a version from ${spec.minimum}, below ${spec.below},`
    : `version ${spec.minimum} or newer`;
  const seen = unfit.length > 0 ? ` (seen: ${unfit.join('; ')})` : '';
  const command = spec.source.kind === 'manual' ? spec.source.how : `npm run tools -- ${name}`;
  throw new ToolMissing(name, `${wanted} is neither on PATH nor in the tools folder${seen}`, command);
}

/** A usable copy on PATH or in the tools folder, if there is one. */
export function find(spec: ToolSpec): Found | undefined {
  return search(spec).found;
}

function search(spec: ToolSpec): { found?: Found; unfit: string[] } {
  const unfit: string[] = [];
  const onPath = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
  const own = join(toolsBin(), spec.programs[0]);
  const candidates = [
    ...(spec.files ?? []),
    ...spec.programs.flatMap((program) => onPath.map((folder) => join(folder, program))),
  ].filter((path) => path !== own);
  for (const path of [...new Set(candidates), own]) {
    if (!isUsableFile(path, spec)) continue;
    const version = versionOf(path, spec);
    const reason = unfitReason(version, path, spec, path === own);
    if (reason === undefined) return { found: { path, version: version ?? '' }, unfit };
    unfit.push(`${path}: ${reason}`);
  }
  return { unfit };
}

function unfitReason(
  version: string | undefined,
  path: string,
  spec: ToolSpec,
  own: boolean,
): string | undefined {
  if (version === undefined) return 'does not tell its version';
  if (compareVersions(version, spec.minimum) < 0) return `${version} is too old`;
  if (spec.below && compareVersions(version, spec.below) >= 0) return `${version} is too new`;
  // A raised pin must replace what we installed ourselves.
  if (own && 'version' in spec.source && version !== spec.source.version) {
    return `${version} is not the pinned ${spec.source.version}`;
  }
  if (spec.static && isDynamic(path)) return 'is dynamically linked';
  return undefined;
}

function isUsableFile(path: string, spec: ToolSpec): boolean {
  try {
    accessSync(path, spec.probe === null ? constants.R_OK : constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The name of the dynamic loader stands near the start of a dynamically linked ELF file. */
function isDynamic(path: string): boolean {
  const head = Buffer.alloc(4096);
  const file = openSync(path, 'r');
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  return head.includes('/lib/ld') || head.includes('/lib64/ld');
}

function versionOf(path: string, spec: ToolSpec): string | undefined {
  if (spec.probe === null) return spec.minimum;
  const { mtimeMs, size } = statSync(path);
  const key = `${path}\0${mtimeMs}\0${size}\0${spec.probe.join(' ')}`;
  const known = remembered()[key];
  if (known !== undefined) return known;
  const run = spawnSync(path, [...spec.probe], { encoding: 'utf8', timeout: 20_000 });
  const version = (spec.pattern ?? /(\d+\.\d+(?:\.\d+)?)/).exec(`${run.stdout}\n${run.stderr}`)?.[1];
  if (version !== undefined) remember(key, version);
  return version;
}

let memory: Record<string, string> | undefined;

function probesFile(): string {
  return join(toolsDir(), 'probes.json');
}

function remembered(): Record<string, string> {
  if (memory === undefined) {
    try {
      memory = JSON.parse(readFileSync(probesFile(), 'utf8')) as Record<string, string>;
    } catch {
      memory = {};
    }
  }
  return memory;
}

/** Starting every program for its version takes a second; the answers are kept until the file changes. */
function remember(key: string, version: string): void {
  const all = remembered();
  all[key] = version;
  try {
    mkdirSync(toolsDir(), { recursive: true });
    const partial = `${probesFile()}.${process.pid}`;
    writeFileSync(partial, JSON.stringify(all));
    renameSync(partial, probesFile());
  } catch {
    // A read-only tools folder only costs the time of asking again.
  }
}
