import { folderOf, nameOf } from '../../../core/path-parts.ts';
import { LANGUAGE_IDS, type LanguageId, languageNamed } from '../../../languages/all.ts';
import type { Target } from '../../../languages/packages.ts';
import type { SourceTree } from '../../../languages/source-tree.ts';

/** Files in the root of a package. */
const PACKAGES = new Set(LANGUAGE_IDS.map((id) => languageNamed(id).manifest));
/** Packages that the Buf Schema Registry generates from proto files. */
const REGISTRY = /^(?:buf\.build\/gen\/|@buf\/)/;

/** Whether an import leads to proto files, or to what is generated from them, in any package but an SDK. */
export type IsProto = (specifier: string, target: Target, language: LanguageId) => boolean;

/** Looks into each folder of the repository at most once. */
export function protoIn(repository: SourceTree): IsProto {
  const folders = new Map<string, boolean>();
  const packages = new Map<string, boolean>();
  const isGeneratedPackage = (folder: string, generated: RegExp): boolean => {
    const known = packages.get(folder);
    if (known !== undefined) return known;
    const found = repository.filesIn(folder).some((name) => generated.test(name));
    packages.set(folder, found);
    return found;
  };
  /** Whether proto sources are in a folder or above it, as far up as its own package goes. */
  const isProtoModule = (folder: string): boolean => {
    if (folder === '.') return false;
    const known = folders.get(folder);
    if (known !== undefined) return known;
    const names = repository.filesIn(folder);
    const found =
      names.some((name) => name === 'buf.yaml' || name.endsWith('.proto')) ||
      (!names.some((name) => PACKAGES.has(name)) && isProtoModule(folderOf(folder)));
    folders.set(folder, found);
    return found;
  };
  return (specifier, target, language) => {
    const { protoFiles, generated, importsFolders } = languageNamed(language);
    if (protoFiles?.test(specifier) || REGISTRY.test(specifier)) return true;
    if (target.type !== 'path') return false;
    const { path } = target;
    if (/\.proto$/.test(path) || generated.test(path)) return true;
    return (importsFolders && isGeneratedPackage(path, generated)) || isProtoModule(path);
  };
}

/** Whether a file is a proto file, generated from one, or what makes a package of those: others may have it. */
export function isContract(path: string): boolean {
  const name = nameOf(path);
  return (
    name.endsWith('.proto') ||
    /^buf(?:\.[a-z]+)?\.yaml$/.test(name) ||
    name === 'go.sum' ||
    PACKAGES.has(name) ||
    LANGUAGE_IDS.some((id) => languageNamed(id).generated.test(name))
  );
}

/** Whether a folder that imports name has code that is not generated from proto files, by the names of its files. */
export function hasOwnCode(names: readonly string[], language: LanguageId): boolean {
  const { code, tests, generated, importsFolders } = languageNamed(language);
  if (importsFolders !== true) return false;
  return names.some((name) => code.test(name) && !tests.test(name) && !generated.test(name));
}
