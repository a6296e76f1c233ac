import { go } from './go.ts';
import type { Language } from './language.ts';
import { python } from './python.ts';
import { typescript } from './typescript.ts';

/** The languages, as `kind.yaml` and the config call them. */
const LANGUAGES = { go, python, ts: typescript } as const satisfies Readonly<Record<string, Language>>;

/** `go`, `python`, `ts`. */
export type LanguageId = keyof typeof LANGUAGES;

const LIST = Object.entries(LANGUAGES) as readonly (readonly [LanguageId, Language])[];

/** Folders of tests in any language, for files that are no code of these. */
const TEST_FOLDERS = /(?:^|\/)(?:tests?|__tests__|testdata)\//i;

/** The language of a file of code, by its path; undefined for what a package manager has put there. */
export function languageOf(path: string): LanguageId | undefined {
  return isInstalled(path) ? undefined : languageByName(path);
}

function languageByName(path: string): LanguageId | undefined {
  return LIST.find(([, { code }]) => code.test(path))?.[0];
}

/** Whether a file or folder is what a package manager has put there, by its path. */
export function isInstalled(path: string): boolean {
  return LIST.some(([, { installed }]) => installed.test(path));
}

/** Whether a file is a test or helps tests, by its path in the primitive or else in the repository. */
export function isTest(path: string): boolean {
  const language = languageByName(path);
  if (language === undefined) return TEST_FOLDERS.test(path);
  // What is in the `testdata` of Go is data, in whatever language.
  return LANGUAGES[language].tests.test(path) || /(?:^|\/)testdata\//.test(path);
}
