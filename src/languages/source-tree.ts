import { posix } from 'node:path';
import { folderOf, inFolder, nameOf } from '../core/path-parts.ts';

/** The files of a repository. Paths are relative to its root. */
export interface Files {
  /** Absolute, links resolved. */
  readonly root: string;
  list(): Promise<readonly string[]>;
  /** The bytes of a plain file; undefined for a link, what is missing, what cannot be read. */
  read(path: string): Promise<Uint8Array | undefined>;
}

/** Files of which links can be followed. */
export interface LinkedFiles extends Files {
  readLink(path: string): Promise<string | undefined>;
}

/** Links that are followed before a path counts as a loop, as Linux does it. */
const MAX_LINKS = 40;

/** Folders that package managers fill. */
const INSTALLED = /(?:^|\/)(?:node_modules|vendor)\//;

/** View of a repository for resolving imports. Paths are relative to its root, without `.` and `..`. */
export class SourceTree {
  readonly files: ReadonlySet<string>;
  readonly #tree: LinkedFiles;
  /** Folder -> names of the files in it. */
  readonly #folders = new Map<string, string[]>();
  /** Link -> where it leads, from the root of the repository. */
  readonly #links: ReadonlyMap<string, string>;
  /** Name of a file -> folder -> the nearest file of that name. */
  readonly #nearest = new Map<string, Map<string, string | undefined>>();

  private constructor(tree: LinkedFiles, files: readonly string[], links: ReadonlyMap<string, string>) {
    this.#tree = tree;
    this.files = new Set(files);
    this.#links = links;
    let folder = '';
    let names: string[] = [];
    for (const file of files) {
      // Files of a folder are mostly listed one after the other.
      const own = folderOf(file);
      if (own !== folder) names = this.#namesIn(own);
      folder = own;
      names.push(nameOf(file));
    }
  }

  #namesIn(folder: string): string[] {
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    const names: string[] = [];
    this.#folders.set(folder, names);
    // The folders above it are folders too, even without a file of their own.
    if (folder !== '.') this.#namesIn(folderOf(folder));
    return names;
  }

  /** `plain` are files that are known to be no links, so that the system need not be asked. */
  static async open(tree: LinkedFiles, plain: Iterable<string>): Promise<SourceTree> {
    const files = await tree.list();
    const known = new Set(plain);
    const links = new Map<string, string>();
    const read = async (path: string) => {
      const link = await tree.readLink(path);
      if (link === undefined) return;
      const isAbsolute = posix.isAbsolute(link);
      links.set(path, isAbsolute ? posix.relative(tree.root, link) : posix.join(folderOf(path), link));
    };
    await Promise.all(files.filter((path) => !known.has(path)).map(read));
    return new SourceTree(tree, files, links);
  }

  hasFolder(path: string): boolean {
    return this.#folders.has(path);
  }

  /** The names of the files directly in a folder; none if it is not a folder. */
  filesIn(folder: string): readonly string[] {
    return this.#folders.get(folder) ?? [];
  }

  /** The paths of all files of a name: `go.mod`; without those that a package manager has put there. */
  named(...names: readonly string[]): readonly string[] {
    const found: string[] = [];
    for (const path of this.files)
      if (names.includes(nameOf(path)) && !INSTALLED.test(path)) found.push(path);
    return found;
  }

  /** The nearest file of a name in the folder of `path` or above it. */
  nearest(path: string, name: string): string | undefined {
    const known = this.#nearest.get(name) ?? new Map<string, string | undefined>();
    this.#nearest.set(name, known);
    return this.#nearestIn(folderOf(path), name, known);
  }

  #nearestIn(folder: string, name: string, known: Map<string, string | undefined>): string | undefined {
    const before = known.get(folder);
    if (before !== undefined || known.has(folder)) return before;
    const file = inFolder(folder, name);
    const above = () => (folder === '.' ? undefined : this.#nearestIn(folderOf(folder), name, known));
    const found = this.files.has(file) ? file : above();
    known.set(folder, found);
    return found;
  }

  /** The text of a file; undefined if it cannot be read. */
  async text(path: string): Promise<string | undefined> {
    const bytes = await this.#tree.read(path).catch(() => undefined);
    return bytes && new TextDecoder().decode(bytes);
  }

  /** A path with its links resolved; undefined for one that leaves the repository or is a loop of links. */
  realPath(path: string): string | undefined {
    let real = posix.normalize(path);
    for (let followed = 0; followed < MAX_LINKS; followed += 1) {
      if (real === '..' || real.startsWith('../')) return undefined;
      const link = this.#firstLink(real);
      if (link === undefined) return real;
      real = posix.join(link.target, real.slice(link.path.length + 1));
    }
    return undefined;
  }

  #firstLink(path: string): { readonly path: string; readonly target: string } | undefined {
    if (this.#links.size === 0) return undefined;
    for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
      const part = end < 0 ? path : path.slice(0, end);
      const target = this.#links.get(part);
      if (target !== undefined) return { path: part, target };
      if (end < 0) return undefined;
    }
  }
}
