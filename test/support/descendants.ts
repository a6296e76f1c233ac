import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Every process that a process started, by itself or through others, as far as looking often can tell. */
export interface Descendants {
  /** Command lines seen so far, the process itself included; arguments separated by spaces. */
  readonly commandLines: ReadonlySet<string>;
  /** Those seen so far that still run. */
  survivors(): string[];
  stop(): Promise<void>;
}

const EVERY_MS = 40;

/** Looks through /proc every few milliseconds until it is stopped; Linux only. */
export function watchDescendants(root: number): Descendants {
  /** By pid, the start time that tells a process from a later one of the same number. */
  const family = new Map<number, string>([[root, startOf(root)?.start ?? '']]);
  const commandLines = new Set<string>();
  let stopped = false;

  const look = () => {
    const parents = new Map<number, { parent: number; start: string }>();
    for (const entry of readdirSync('/proc')) {
      const pid = Number(entry);
      const stat = Number.isInteger(pid) ? startOf(pid) : undefined;
      if (stat) parents.set(pid, stat);
    }
    for (const [pid, { start }] of parents) if (isOfFamily(pid, parents)) family.set(pid, start);
    for (const [pid, start] of family) {
      if (parents.get(pid)?.start === start) commandLines.add(commandLine(pid));
    }
  };
  const isOfFamily = (pid: number, parents: ReadonlyMap<number, { parent: number }>): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at)?.parent) {
      if (family.has(at)) return true;
    }
    return false;
  };
  const loop = (async () => {
    while (!stopped) {
      look();
      await sleep(EVERY_MS);
    }
  })();
  return {
    commandLines,
    survivors: () =>
      [...family]
        .filter(([pid, start]) => {
          const now = startOf(pid);
          return now !== undefined && now.start === start && now.state !== 'Z';
        })
        .map(([pid]) => `${pid} ${commandLine(pid)}`),
    async stop() {
      stopped = true;
      await loop;
    },
  };
}

/** proc(5), /proc/pid/stat: fields 3 (state), 4 (parent) and 22 (start time); undefined for a process that is gone. */
function startOf(pid: number): { state: string; parent: number; start: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', parent: Number(fields[1]), start: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
