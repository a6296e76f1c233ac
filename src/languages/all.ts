import type { TOptional } from 'typebox';
import { Type } from 'typebox';
import type { ProgramSpec } from '../core/program.ts';
import { go } from './go/language.ts';
import type { Language, PrimitiveName, Runner, Tested } from './language.ts';
import { python } from './python/language.ts';
import { rust } from './rust/language.ts';
import type { SuiteToolkit, Toolkit } from './toolkit.ts';
import { typescript } from './typescript/language.ts';

/** The languages, as `kind.yaml` and the config call them. */
const LANGUAGES = { go, ts: typescript, python } as const satisfies Readonly<Record<string, Language>>;

type Languages = typeof LANGUAGES;

/** The languages whose suites are run. */
const TESTED = { ...LANGUAGES, rust } as const satisfies Readonly<Record<string, Tested>>;

type AllTested = typeof TESTED;

/** Those of {@link LanguageId}, and `rust`. */
export type TestedId = keyof AllTested;

/** `go`, `ts`, `python`. */
export type LanguageId = keyof Languages;

/** Names of primitives in the languages of the config. */
export type LanguageNames = { readonly [L in LanguageId]?: ReturnType<Languages[L]['packageNames']> };

/** In the order of the config. */
export const LANGUAGE_IDS = Object.keys(LANGUAGES) as readonly LanguageId[];

/** `go-test`, `tsc`, …: the runners of all languages. */
export type RunnerId = { [L in TestedId]: keyof AllTested[L]['runners'] }[TestedId];

const RUNNERS: Readonly<Record<RunnerId, Runner>> = Object.assign(
  {},
  ...Object.values(TESTED).map(({ runners }) => runners),
);

/** `go`, `python`, `uv`, …: the programs of all languages. */
export type LanguageProgram = { [L in TestedId]: keyof AllTested[L]['programs'] }[TestedId];

export const languagePrograms: Readonly<Record<LanguageProgram, ProgramSpec>> = Object.assign(
  {},
  ...Object.values(TESTED).map(({ programs }) => programs),
);

const toolkits = new Map<LanguageId, ReturnType<typeof openToolkit>>();

/** The toolkit of a language, loaded once. */
export function toolkitOf(id: LanguageId): Promise<Toolkit<RunnerId, LanguageProgram>> {
  const toolkit = toolkits.get(id) ?? openToolkit(id);
  toolkits.set(id, toolkit);
  return toolkit;
}

export function suiteToolkitOf(id: TestedId): Promise<SuiteToolkit<RunnerId, LanguageProgram>> {
  return isRead(id)
    ? toolkitOf(id)
    : (TESTED[id].toolkit() as Promise<SuiteToolkit<RunnerId, LanguageProgram>>);
}

/** Whether code of a language is read, and not its tests run alone. */
export function isRead(id: TestedId): id is LanguageId {
  return Object.hasOwn(LANGUAGES, id);
}

export function languageOfRunner(runner: RunnerId): TestedId {
  const found = (Object.keys(TESTED) as TestedId[]).find((id) => Object.hasOwn(TESTED[id].runners, runner));
  if (found === undefined) throw new Error(`no language has the runner ${runner}`);
  return found;
}

async function openToolkit(id: LanguageId): Promise<Toolkit<RunnerId, LanguageProgram>> {
  return LANGUAGES[id].toolkit() as Promise<Toolkit<RunnerId, LanguageProgram>>;
}

/** Test runners first, then compilers and linters. */
export const RUNNER_IDS = (Object.keys(RUNNERS) as RunnerId[]).toSorted(
  (a, b) => Number(isChecker(a)) - Number(isChecker(b)),
);

/** Whether a runner checks code without running it. */
export function isChecker(id: RunnerId): boolean {
  return RUNNERS[id].checks === true;
}

export function runnerNamed(id: RunnerId): Runner {
  return RUNNERS[id];
}

export function languageNamed(id: LanguageId): Language {
  return LANGUAGES[id];
}

/** Something of each language, by its id. */
export function perLanguage<T>(make: (language: Language, id: LanguageId) => T): Record<LanguageId, T> {
  return Object.fromEntries(LANGUAGE_IDS.map((id) => [id, make(LANGUAGES[id], id)])) as Record<LanguageId, T>;
}

/** The schema of `languages` in the config, by language. */
export const languageEntries = perLanguage(({ entry }) => Type.Optional(entry)) as {
  [L in LanguageId]: TOptional<Languages[L]['entry']>;
};

/** The name of a primitive in each language that has an entry. */
export function languageNames(
  primitive: PrimitiveName,
  entries: { readonly [L in LanguageId]?: Readonly<Record<string, string>> },
): LanguageNames {
  return Object.fromEntries(
    LANGUAGE_IDS.flatMap((id) => {
      const entry = entries[id];
      return entry === undefined ? [] : [[id, languageNamed(id).packageNames(entry, primitive)]];
    }),
  );
}

/** Folders of tests in any language, for files that are no code of these. */
const TEST_FOLDERS = /(?:^|\/)(?:tests?|__tests__|testdata)\//i;

/** The language of a file of code, by its path; undefined for what a package manager has put there. */
export function languageOf(path: string): LanguageId | undefined {
  return isInstalled(path) ? undefined : languageByName(path);
}

/** The language of a file of code by its name alone, also of what a package manager has put there. */
export function languageByName(path: string): LanguageId | undefined {
  return LANGUAGE_IDS.find((id) => LANGUAGES[id].code.test(path));
}

/** Names of files without a suffix, of which the first line may say what runs them. */
const NAMELESS = /(?:^|\/)[^./]+$/;
const INTERPRETERS: Readonly<Record<LanguageId, RegExp | undefined>> = {
  go: undefined,
  python: /^#![^\n]{0,200}\bpython/,
  ts: /^#![^\n]{0,200}\b(?:node|bun|deno|tsx)\b/,
};

/** Whether a file may be a program by its first line, and not by its name. */
export function mayBeScript(path: string): boolean {
  return NAMELESS.test(path) && !isInstalled(path);
}

/** The language of a program without a suffix, by its first line. */
export function languageOfScript(text: string): LanguageId | undefined {
  return LANGUAGE_IDS.find((id) => INTERPRETERS[id]?.test(text));
}

/** The suffix of a file with code that a language takes in, and of which no imports are read: `.vue`. */
export function unreadSuffix(path: string): string | undefined {
  const isUnread = LANGUAGE_IDS.some((id) => LANGUAGES[id].embedding.test(path));
  return isUnread ? path.slice(path.lastIndexOf('.')) : undefined;
}

/** Whether a file or folder is what a package manager has put there, by its path. */
export function isInstalled(path: string): boolean {
  return LANGUAGE_IDS.some((id) => LANGUAGES[id].installed.test(path));
}

/** The outermost folder above an installed file that a package manager fills: `web/node_modules`. */
export function installedFolder(path: string): string {
  const folders = path.split('/');
  const name = folders.pop() ?? '';
  const depth = folders.findIndex((_, i) => isInstalled([...folders.slice(0, i + 1), name].join('/')));
  return folders.slice(0, depth + 1).join('/');
}

/** Whether a file is a test or helps tests, by its path in the primitive or else in the repository. */
export function isTest(path: string): boolean {
  const language = languageByName(path);
  if (language === undefined) return TEST_FOLDERS.test(path);
  // Files in the `testdata` of Go are data, in any language.
  return LANGUAGES[language].tests.test(path) || /(?:^|\/)testdata\//.test(path);
}
