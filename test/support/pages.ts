import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** A fenced block of a page: ```` ```yaml config ```` has the language `yaml` and the subject `config`. */
export interface Block {
  /** Relative to the root of this repository. */
  readonly page: string;
  /** Of the opening fence, 1-based. */
  readonly line: number;
  readonly language: string;
  readonly subject: string;
  readonly text: string;
}

/** The pages of documentation with their text. */
export const pages: ReadonlyMap<string, string> = new Map(
  [...globSync('*.md', { cwd: root }), ...globSync('docs/**/*.md', { cwd: root })]
    .sort()
    .map((page) => [page, readFileSync(join(root, page), 'utf8')]),
);

/** All fenced blocks, in order. */
export function blocks(): readonly Block[] {
  return [...pages].flatMap(([page, text]) =>
    [...text.matchAll(/^```(\w+) ?(.*)\n([\s\S]*?)^```$/gm)].map((match) => ({
      page,
      line: text.slice(0, match.index).split('\n').length,
      language: match[1] ?? '',
      subject: match[2] ?? '',
      text: match[3] ?? '',
    })),
  );
}

/** The commands of a `sh` block, each as its words; comments are left out, pipes and `&&` separate commands. */
export function commandsOf({ text }: Block): readonly (readonly string[])[] {
  return text
    .replace(/\\\n/g, ' ')
    .split('\n')
    .flatMap((line) => line.replace(/(^|\s)#.*$/, '').split(/&&|\|/))
    .map((command) => [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([all, a, b]) => a ?? b ?? all))
    .filter((words) => words.length > 0);
}
