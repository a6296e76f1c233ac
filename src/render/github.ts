import type { Event } from '../core/events.ts';
import { compareFindings, type Finding } from '../core/finding.ts';
import type { EventRenderer, Write } from './events.ts';
import { plainLine } from './plain.ts';
import { inert, sanitize } from './text.ts';

/**
 * For the log of GitHub Actions. Groups cannot interleave there, so a component's log is kept and shown as one group
 * when it has come to its end; failures and warnings become annotations.
 */
export function githubRenderer(write: Write): EventRenderer {
  const logs = new Map<string, string[]>();
  const flush = (component: string) => {
    const lines = logs.get(component);
    logs.delete(component);
    if (lines === undefined) return;
    write(
      `::group::${escapeData(component)}\n${lines.map((line) => `${inert(line)}\n`).join('')}::endgroup::\n`,
    );
  };
  return {
    show(event: Event) {
      if (event.type === 'log') {
        const lines = logs.get(event.item);
        if (lines) lines.push(plainLine(event));
        else logs.set(event.item, [plainLine(event)]);
        return;
      }
      if (event.type === 'item' && (event.status === 'done' || event.status === 'failed')) flush(event.item);
      if (event.type === 'item' && event.status === 'failed') {
        write(annotation('error', { title: event.item }, event.detail ?? 'failed'));
      } else if (event.type === 'warning') write(annotation('warning', { title: event.code }, event.message));
      else write(`${inert(plainLine(event))}\n`);
    },
    end() {
      for (const component of [...logs.keys()]) flush(component);
    },
  };
}

/** One annotation per finding, sorted: on its line of the diff if it has a place. GitHub shows ten of each level per step. */
export function annotations(findings: readonly Omit<Finding, 'fix'>[]): string {
  const levels = { error: 'error', warning: 'warning', info: 'notice' } as const;
  return [...findings]
    .sort(compareFindings)
    .map(({ rule, level, message, path, line, column }) =>
      annotation(levels[level], { file: path, line, col: column, title: rule }, message),
    )
    .join('');
}

/** A workflow command: `::error file=a.go,line=3,title=IMP-002::message`. */
function annotation(
  level: 'error' | 'warning' | 'notice',
  properties: Readonly<Record<string, string | number | undefined>>,
  message: string,
): string {
  const given = Object.entries(properties)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${escapeProperty(`${value}`)}`);
  return `::${level} ${given.join(',')}::${escapeData(message)}\n`;
}

function escapeData(text: string): string {
  return sanitize(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** One entry of the GITHUB_OUTPUT file; `delimiter` is random, so that no value can end itself and begin another. */
export function githubOutput(name: string, value: string, delimiter: string): string {
  return `${name}<<${delimiter}\n${value}\n${delimiter}\n`;
}
