import type { Node, Parser } from 'web-tree-sitter';
import { placeOf, syntaxError, withTree } from '../grammar.ts';
import { type Mention, pathsIn, placed, within } from '../mentions.ts';
import type { ParsedSource, SourceImport } from '../source.ts';
import { goParser } from './grammar.ts';

/** The first declaration at the start of a line; to Go, only a line feed ends one. */
const DECLARATION = /(?:^|\n)(?:func|type|var|const)\b/;
/** `//go:linkname local importpath.name`: code of another package without an import. */
const LINKNAME = /^\/\/go:linkname[ \t]+\S+[ \t]+(\S+)\.[^\s./]+[ \t]*\r?$/gm;
/** A file that the C code before `import "C"` takes in; angle brackets are for those of the system. */
const INCLUDE = /^[ \t/*]*#[ \t]*include[ \t]*"([^"]+)"/;
/** A folder that the C compiler or linker looks into, where it is written relative to the file. */
const FOLDER = /-(?:I|L|iquote|include)[ \t]*(?:\$\{SRCDIR\}\/)?(\.\.?(?:\/[^\s"']*)?)(?=\s|$)/g;

/**
 * The imports of a Go file, in files of every build tag, with what it takes from other packages by `go:linkname` and from
 * other folders by cgo. As for `go list`, only what comes before the first declaration is read for imports, because the
 * language allows none after it; what is wrong further down is the compiler's to say.
 */
export async function parseGo(text: string): Promise<ParsedSource> {
  const parser = await goParser();
  const head = parseHeader(parser, text.slice(0, DECLARATION.exec(text)?.index));
  // The line may have been part of a comment: then the cut broke it.
  const { imports, fault } = head.fault !== undefined ? parseHeader(parser, text) : head;
  if (fault !== undefined) return { imports, fault };
  const mentions = mentionsIn(parser, text);
  return { imports: [...imports, ...linknames(text)], ...(mentions.length === 0 ? {} : { mentions }) };
}

/** Paths in texts, but for those of imports, and in lines for `go generate`. */
function mentionsIn(parser: Parser, text: string): readonly Mention[] {
  const found = pathsIn(text);
  if (found.length === 0) return [];
  return withTree(parser, text, (root) => {
    const isMeant = (node: Node) =>
      node.type === 'comment' ? node.text.startsWith('//go:generate') : node.parent?.type !== 'import_spec';
    const spans = root
      .descendantsOfType(['interpreted_string_literal', 'raw_string_literal', 'comment'])
      .map((node) => ({ node, start: node.startIndex, end: node.endIndex }));
    const meant = within(found, spans).filter(({ span }) => isMeant(span.node));
    return placed(
      meant.map(({ one }) => one),
      text,
    );
  });
}

function parseHeader(parser: Parser, text: string): ParsedSource {
  return withTree(parser, text, (root) => {
    const fault = syntaxError(root);
    if (fault !== undefined) return { imports: [], fault };
    const specs = root.descendantsOfType('import_spec');
    return {
      imports: specs.flatMap((spec) => {
        const path = spec.childForFieldName('path');
        if (path === null) return [];
        const specifier = unquote(path.text);
        // It names no package, but the comment before it may take in files.
        if (specifier === 'C') return includesOf(spec);
        return [{ specifier, typeOnly: false, ...placeOf(path) }];
      }),
    };
  });
}

/** Files of the repository that the comments directly before `import "C"` include. */
function includesOf(spec: Node): readonly SourceImport[] {
  const statement = spec.parent?.type === 'import_declaration' ? spec.parent : spec;
  const comments: Node[] = [];
  for (let node = statement.previousSibling; node?.type === 'comment'; node = node.previousSibling)
    comments.push(node);
  return comments.reverse().flatMap((comment) =>
    comment.text.split('\n').flatMap((line, i) => {
      const [, file] = INCLUDE.exec(line) ?? [];
      const folders = [...line.matchAll(FOLDER)].map(([, folder = '']) => folder);
      const { row, column } = comment.startPosition;
      const place = { typeOnly: false, line: row + 1 + i, column: i === 0 ? column + 1 : 1 };
      const all = file === undefined ? folders : [relative(file), ...folders];
      return all.map((specifier) => ({ specifier, ...place }));
    }),
  );
}

/** `"a.h"` is looked for beside the file first. */
function relative(file: string): string {
  return file.startsWith('.') ? file : `./${file}`;
}

function linknames(text: string): readonly SourceImport[] {
  if (!text.includes('go:linkname')) return [];
  return [...text.matchAll(LINKNAME)].map(({ 1: specifier, index }) => ({
    specifier,
    typeOnly: false,
    line: text.slice(0, index).split('\n').length,
    column: 1,
  }));
}

/** A Go string literal, raw or interpreted. */
function unquote(literal: string): string {
  const body = literal.slice(1, -1);
  if (literal.startsWith('`')) return body.replaceAll('\r', '');
  if (!body.includes('\\')) return body;
  return body.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/g,
    (_, hex, short, long, octal, plain) =>
      plain ??
      String.fromCodePoint(Number.parseInt(hex ?? short ?? long ?? octal, octal === undefined ? 16 : 8)),
  );
}
