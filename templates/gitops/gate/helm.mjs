// helm, and what it reads for scripts of the kit: Node has no parser for YAML.
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Something that the person who reads the log has to correct. */
export class Refused extends Error {}

/** Prints an error as an annotation of GitHub Actions, and fails. */
export function report(error) {
  const text = error instanceof Refused ? error.message : error.stack;
  const escaped = text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  console.log(`::error::${escaped}`);
  process.exitCode = 1;
}

/** What helm prints; `input` is its stdin. */
export async function helm(args, input = '') {
  try {
    const running = run('helm', args, { maxBuffer: 64 * 1024 * 1024 });
    running.child.stdin.on('error', () => {});
    running.child.stdin.end(input);
    return (await running).stdout;
  } catch (error) {
    if (error.code === 'ENOENT') throw new Refused('helm is not on PATH');
    const why = (error.stderr || error.message).replace(/\n+Use --debug flag to render out invalid YAML/, '');
    throw new Refused(`helm ${args.slice(0, 3).join(' ')}: ${why.trim()}`);
  }
}

/** The data of a YAML text that is a mapping. */
export async function helmYaml(text) {
  const chart = join(dirname(fileURLToPath(import.meta.url)), 'yaml');
  const printed = await helm(['template', 'yaml', chart, '--values', '-'], text);
  return JSON.parse(printed.slice(printed.indexOf('{')));
}
