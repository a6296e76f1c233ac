import { type LanguageId, perLanguage } from '../languages/all.ts';
import type { CodeOwner } from '../languages/language.ts';
import { writeText } from '../yaml/write.ts';
import type { Config } from './config.ts';

/** All of `languages` in the config. */
export type LanguageEntries = Required<Config['languages']>;

/** How code is named if nobody says it: as the manifests in the root of the repository have it, else by its owner. */
export function guessEntries(
  owner: CodeOwner,
  manifests: Partial<Readonly<Record<LanguageId, string>>> = {},
): LanguageEntries {
  const entries = perLanguage((language, id) => language.guessEntry(owner, manifests[id]));
  return { ...entries, proto: { package: owner.identifier } } as LanguageEntries;
}

/** Entries as lines of the config: `  go: { module: github.com/acme/app }`. */
export function entryLines(entries: Config['languages']): string {
  return Object.entries(entries)
    .map(([id, entry]) => {
      const texts = Object.entries(entry).map(([key, text]) => `${key}: ${writeText(text)}`);
      return `  ${id}: { ${texts.join(', ')} }`;
    })
    .join('\n');
}
