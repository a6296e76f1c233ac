import { isMap, isScalar, isSeq, LineCounter, parseAllDocuments, type YAMLMap } from 'yaml';
import { field } from '../core/object.ts';
import type { YamlPath } from '../yaml/fault.ts';

/** A reference to an image in a values file. */
export interface ImageRef {
  /** Position of its document, from 0. */
  readonly document: number;
  readonly path: YamlPath;
  /** As it is written; empty if none is set. */
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

/** The image references of a values file. */
export interface ImageRefs {
  /** Each `image: { ref: … }`, in the order of the file. */
  readonly refs: readonly ImageRef[];
  /** Images that are said in parts: `image: { repository, tag, digest }`. They cannot be followed by one scalar. */
  readonly split: readonly Omit<ImageRef, 'value'>[];
  /** Lines with a marker of a tool that writes references by itself, with the name of the tool. */
  readonly writers: readonly { readonly line: number; readonly tool: string }[];
  /** Why the file cannot be read; then it has no references. */
  readonly problem?: string;
}

/** Markers of the tools that write into values files: Flux image automation, Argo CD Image Updater, Renovate. */
const WRITERS: readonly { readonly tool: string; readonly marker: RegExp }[] = [
  { tool: 'Flux image automation', marker: /#\s*\{\s*"\$imagepolicy"/ },
  { tool: 'Argo CD Image Updater', marker: /argocd-image-updater\.argoproj\.io\// },
  { tool: 'Renovate', marker: /#\s*renovate:/ },
];

/** Finds the image references of a values file, at any depth and in each document. */
export function imageRefsOf(text: string): ImageRefs {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, {
    prettyErrors: false,
    stringKeys: true,
    merge: true,
    lineCounter: lines,
  });
  const documents = Array.isArray(parsed) ? parsed : [];
  const error = documents.flatMap(({ errors }) => errors)[0];
  const writers = text
    .split('\n')
    .flatMap((line, i) =>
      WRITERS.filter(({ marker }) => marker.test(line)).map(({ tool }) => ({ line: i + 1, tool })),
    );
  if (error !== undefined) return { refs: [], split: [], writers, problem: error.message };
  const refs: ImageRef[] = [];
  const split: Omit<ImageRef, 'value'>[] = [];
  for (const [document, { contents }] of documents.entries()) {
    for (const { path, value, offset } of mappingsNamedImage(contents, [])) {
      const ref = value.get('ref', true);
      const place = {
        document,
        line: lines.linePos(isScalar(ref) ? (ref.range?.[0] ?? offset) : offset).line,
      };
      // A number or null is no reference; who reads it finds the text of it wanting.
      if (isScalar(ref)) refs.push({ ...place, path: [...path, 'ref'], value: ref.source ?? '' });
      else if (value.has('repository') || value.has('digest')) split.push({ ...place, path });
    }
  }
  // Helm resolves aliases and merge keys, so a reference can come from another place of the file.
  const resolved = documents.flatMap((document) => dataRefs(document.toJS({ maxAliasCount: 100 })));
  if (
    resolved.sort().join() !==
    refs
      .map(({ value }) => value)
      .sort()
      .join()
  ) {
    return { refs: [], split, writers, problem: 'an image comes from an alias or a merge key' };
  }
  return { refs, split, writers };
}

/** Each `image.ref` of plain data, as text. */
function dataRefs(data: unknown): readonly string[] {
  if (typeof data !== 'object' || data === null) return [];
  return Object.entries(data).flatMap(([key, value]) => {
    const ref = key === 'image' && !Array.isArray(data) ? field(value, 'ref') : undefined;
    return [...(ref === undefined ? [] : [String(ref ?? '')]), ...dataRefs(value)];
  });
}

interface ImageMapping {
  readonly path: YamlPath;
  readonly value: YAMLMap;
  /** Of the key. */
  readonly offset: number;
}

/** Each mapping under a key `image`, at any depth; what an alias leads to is found where it is written. */
function* mappingsNamedImage(node: unknown, path: YamlPath): Generator<ImageMapping> {
  if (isSeq(node)) {
    for (const [i, item] of node.items.entries()) yield* mappingsNamedImage(item, [...path, i]);
  }
  if (!isMap(node)) return;
  for (const { key, value } of node.items) {
    if (!isScalar(key)) continue;
    const at = [...path, String(key.value)];
    if (key.value === 'image' && isMap(value)) yield { path: at, value, offset: key.range?.[0] ?? 0 };
    yield* mappingsNamedImage(value, at);
  }
}

/** Whether the first document of a text has a scalar at a path, which may be empty. */
export function hasScalar(text: string | undefined, path: YamlPath): boolean {
  const [first] = parseAllDocuments(text ?? '', { prettyErrors: false, stringKeys: true });
  return first !== undefined && 'getIn' in first && isScalar(first.getIn(path, true));
}

/** The value at a path of the first document of a text; undefined if it is missing, empty, or not a text. */
export function valueAt(text: string | undefined, path: YamlPath): string | undefined {
  if (text === undefined) return undefined;
  const [first] = parseAllDocuments(text, { prettyErrors: false, stringKeys: true });
  if (first === undefined || !('getIn' in first) || first.errors.length > 0) return undefined;
  const value = first.getIn(path);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
