import { type LanguageId, languageOf } from '../../../languages/all.ts';
import { parseGo } from './go.ts';
import { parsePython } from './python.ts';
import type { ParsedSource, Source } from './source.ts';
import { parseTypeScript } from './typescript.ts';

/** A larger file is made by a program; its syntax tree would fill the memory. */
const MAX_LENGTH = 4 * 1024 * 1024;

/** The imports of a source file; undefined for a file without a language. `text` is undefined for a binary file. */
export async function parseSource(path: string, text: string | undefined): Promise<Source | undefined> {
  const language = languageOf(path);
  if (language === undefined) return undefined;
  return { language, ...(await parseText(language, path, text)) };
}

async function parseText(
  language: LanguageId,
  path: string,
  text: string | undefined,
): Promise<ParsedSource> {
  if (text === undefined) return { imports: [], fault: { message: 'it is not text in UTF-8' } };
  if (text.length > MAX_LENGTH) {
    return { imports: [], fault: { message: `it has more than ${MAX_LENGTH / 1024 / 1024} Mi characters` } };
  }
  if (language === 'go') return parseGo(text);
  if (language === 'python') return parsePython(text);
  return parseTypeScript(path, text);
}
