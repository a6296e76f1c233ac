import { posix } from 'node:path';
import type { LanguageId } from '../../../languages/all.ts';
import type { Repository } from './repository.ts';
import type { Target } from './target.ts';

/** Names of output files of generators of buf and protoc. */
const GENERATED: Readonly<Record<LanguageId, RegExp>> = {
  go: /(?:\.pb|\.connect|\.pb\.gw|_grpc\.pb)\.go$/,
  ts: /_(?:pb|connect|grpc_pb|connectweb)(?:\.d)?(?:\.[cm]?[jt]s)?$/,
  python: /_pb2(?:_grpc)?(?:\.pyi?)?$/,
};
/** Files in the root of a package. */
const PACKAGES = new Set(['go.mod', 'package.json', 'pyproject.toml']);
/** Packages that the Buf Schema Registry generates from proto files. */
const REGISTRY = /^(?:buf\.build\/gen\/|@buf\/)/;

/** Whether an import leads to proto files, or to what is generated from them, in any package but an SDK. */
export type IsProto = (specifier: string, target: Target, language: LanguageId) => boolean;

/** Looks into each folder of the repository at most once. */
export function protoIn(repository: Repository): IsProto {
  const folders = new Map<string, boolean>();
  const packages = new Map<string, boolean>();
  const isGeneratedPackage = (folder: string): boolean => {
    const known = packages.get(folder);
    if (known !== undefined) return known;
    const found = repository.filesIn(folder).some((name) => GENERATED.go.test(name));
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
      (!names.some((name) => PACKAGES.has(name)) && isProtoModule(posix.dirname(folder)));
    folders.set(folder, found);
    return found;
  };
  return (specifier, target, language) => {
    if ((language === 'ts' && /\.proto$/.test(specifier)) || REGISTRY.test(specifier)) return true;
    if (target.type !== 'path') return false;
    const { path } = target;
    if (/\.proto$/.test(path) || GENERATED[language].test(path)) return true;
    return (language === 'go' && isGeneratedPackage(path)) || isProtoModule(path);
  };
}

/** Whether a folder of Go has code that is not generated from proto files, by the names of its files. */
export function hasOwnCode(names: readonly string[]): boolean {
  return names.some((name) => /(?<!_test)\.go$/.test(name) && !GENERATED.go.test(name));
}
