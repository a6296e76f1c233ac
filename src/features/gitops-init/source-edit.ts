import { isDeepStrictEqual } from 'node:util';
import { isMap, isSeq, parseDocument, stringify } from 'yaml';
import { PrimitiveError } from '../../core/errors.ts';
import { KIT_FILE } from '../../gitops/kit.ts';
import type { KitSourceRepository } from '../../gitops/kit-document.ts';
import type { SignerPolicy, TrustTier } from '../../repository/signers.ts';

/** The change of a source in kit.yaml. */
export interface SourceChange {
  readonly repository: string;
  readonly change: 'added' | 'changed' | 'unchanged';
  /** Who may make what production runs from now on, and who may not any more. */
  readonly signers: readonly {
    readonly change: 'added' | 'removed';
    readonly tier: TrustTier;
    readonly signer: string;
  }[];
  /** Other settings that differ, such as `registry: ghcr.io/old -> ghcr.io/new`. */
  readonly settings: readonly string[];
}

/**
 * A kit.yaml with a source, and what that changes. Pure. Only the lines of that source change; an entry that says the same
 * stays as it is.
 *
 * Throws `kit-source-edit` (exit 2) if the text cannot be edited so, such as one with an alias there.
 */
export function withSource(
  text: string,
  source: KitSourceRepository,
): { readonly text: string; readonly change: SourceChange } {
  const before = sourcesIn(text);
  const position = before.findIndex(({ repository }) => repository === source.repository);
  const old = before[position];
  const change = { repository: source.repository, ...differences(old, source) };
  if (change.change === 'unchanged') return { text, change };
  const edited = old === undefined ? append(text, source) : replace(text, position, source);
  const wanted = old === undefined ? [...before, source] : before.with(position, source);
  const [data, again] = [text, edited].map(dataOf);
  if (isDeepStrictEqual(again, { ...(data as object), sources: wanted })) return { text: edited, change };
  throw new PrimitiveError('kit-source-edit', `Cannot write source ${source.repository} into ${KIT_FILE}.`, {
    why: 'Its `sources` are not a plain list, so that one entry cannot be replaced alone.',
    suggestions: [`Write it there:\n${entry(source, 2)}`],
  });
}

/** The text with a key after all others. */
export function withKey(text: string, key: string, value: object, comment: string): string {
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const end = text.endsWith('\n') ? text : text + newline;
  return end + `\n${comment}\n${stringify({ [key]: value }, { lineWidth: 0 })}`.replaceAll('\n', newline);
}

function sourcesIn(text: string): readonly KitSourceRepository[] {
  return (dataOf(text) as { readonly sources?: readonly KitSourceRepository[] } | null)?.sources ?? [];
}

function dataOf(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false, stringKeys: true });
  return document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 100 });
}

function differences(
  before: KitSourceRepository | undefined,
  after: KitSourceRepository,
): Omit<SourceChange, 'repository'> {
  const signers = (['trusted', 'accepted'] as const).flatMap((tier) => {
    const [old, next] = [before?.[tier] ?? [], after[tier] ?? []];
    const without = (list: readonly SignerPolicy[], others: readonly SignerPolicy[]) =>
      list.filter((signer) => !others.some((other) => isDeepStrictEqual(other, signer)));
    return [
      ...without(old, next).map((signer) => ({ change: 'removed' as const, tier, signer: shown(signer) })),
      ...without(next, old).map((signer) => ({ change: 'added' as const, tier, signer: shown(signer) })),
    ];
  });
  const settings = (['registry', 'channel', 'trustedRoot'] as const).flatMap((key) =>
    before === undefined || before[key] === after[key]
      ? []
      : [`${key}: ${before[key] ?? 'none'} -> ${after[key] ?? 'none'}`],
  );
  if (before === undefined) return { change: 'added', signers, settings };
  const isSame = signers.length === 0 && settings.length === 0;
  return { change: isSame ? 'unchanged' : 'changed', signers, settings };
}

/** All that is compared of a signer. */
function shown(signer: SignerPolicy): string {
  if ('key' in signer) return `key ${signer.key}`;
  const { issuer, identity, ...rest } = signer;
  const more = Object.entries(rest).map(([key, value]) => `${key} ${value}`);
  return [`${identity} of ${issuer}`, ...more].join(', ');
}

/** An entry of a list that begins in a column. */
function entry(source: KitSourceRepository, column: number): string {
  const [first = '', ...lines] = stringify(source, { lineWidth: 0 }).trimEnd().split('\n');
  return [`${' '.repeat(column)}- ${first}`, ...lines.map((line) => `${' '.repeat(column + 2)}${line}`)].join(
    '\n',
  );
}

function replace(text: string, position: number, source: KitSourceRepository): string {
  const node = listIn(text)?.items[position];
  if (!isMap(node) || !node.range) return text;
  const [start, end] = node.range;
  const column = start - (text.lastIndexOf('\n', start - 1) + 1);
  const old = text.slice(start, end);
  if (old.startsWith('{')) return text.slice(0, start) + JSON.stringify(source) + text.slice(end);
  // A block ends with the line feed of its last line.
  const feed = old.slice(old.trimEnd().length);
  const body = entry(source, column - 2)
    .trimStart()
    .slice(2);
  return text.slice(0, start) + asWritten(body, text) + feed + text.slice(end);
}

function append(text: string, source: KitSourceRepository): string {
  const list = listIn(text);
  const last = list?.items.at(-1);
  if (list === undefined || !isMap(last) || !last.range) {
    const comment = '# Code repositories whose releases may be deployed.';
    return withKey(text, 'sources', [source], comment);
  }
  const [start, end] = last.range;
  if (list.flow) return `${text.slice(0, end)}, ${JSON.stringify(source)}${text.slice(end)}`;
  const column = start - (text.lastIndexOf('\n', start - 1) + 1) - 2;
  const head = text.slice(0, end).trimEnd();
  return `${head}${asWritten(`\n${entry(source, column)}`, text)}${text.slice(head.length)}`;
}

function listIn(text: string) {
  const { contents } = parseDocument(text, { prettyErrors: false, stringKeys: true });
  const list = isMap(contents) ? contents.get('sources') : undefined;
  return isSeq(list) && list.items.length > 0 ? list : undefined;
}

function asWritten(lines: string, text: string): string {
  return text.includes('\r\n') ? lines.replaceAll('\n', '\r\n') : lines;
}
