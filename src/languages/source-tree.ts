import { posix } from 'node:path';

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

const NO_LINK = Promise.resolve(undefined);

/** View of a repository for resolving imports. Paths are relative to its root, without `.` and `..`. */
export class SourceTree {
  readonly files: ReadonlySet<string>;
  readonly #tree: LinkedFiles;
  /** Folder -> names of the files in it. */
  readonly #folders = new Map<string, string[]>();
  readonly #links = new Map<string, Promise<string | undefined>>();
  /** Name of a file -> folder -> the nearest file of that name. */
  readonly #nearest = new Map<string, Map<string, string | undefined>>();
  /** Files whose paths have no link in them. */
  readonly #plain: ReadonlySet<string>;

  private constructor(tree: LinkedFiles, files: readonly string[], plain: Iterable<string>) {
    this.#tree = tree;
    this.files = new Set(files);
    for (const file of files) {
      this.#namesIn(posix.dirname(file)).push(posix.basename(file));
    }
    const all = [...plain];
    for (const path of all) this.#links.set(path, NO_LINK);
    // A file that has become a link since git listed what was below it.
    const isMixed = [...this.#folders.keys()].some((folder) => this.files.has(folder));
    this.#plain = new Set(isMixed ? [] : [...all, ...this.#folders.keys()]);
  }

  #namesIn(folder: string): string[] {
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    const names: string[] = [];
    this.#folders.set(folder, names);
    // The folders above it are folders too, even without a file of their own.
    if (folder !== '.') this.#namesIn(posix.dirname(folder));
    return names;
  }

  /** `plain` are files that are known to be no links, so that the system need not be asked. */
  static async open(tree: LinkedFiles, plain: Iterable<string>): Promise<SourceTree> {
    return new SourceTree(tree, await tree.list(), plain);
  }

  hasFolder(path: string): boolean {
    return this.#folders.has(path);
  }

  /** The names of the files directly in a folder; none where it is not a folder. */
  filesIn(folder: string): readonly string[] {
    return this.#folders.get(folder) ?? [];
  }

  /** The paths of all files of a name: `go.mod`; without those that a package manager has put there. */
  named(...names: readonly string[]): readonly string[] {
    return [...this.files].filter(
      (path) => names.includes(posix.basename(path)) && !/(?:^|\/)(?:node_modules|vendor)\//.test(path),
    );
  }

  /** The nearest file of a name in the folder of `path` or above it. */
  nearest(path: string, name: string): string | undefined {
    const known = this.#nearest.get(name) ?? new Map<string, string | undefined>();
    this.#nearest.set(name, known);
    return this.#nearestIn(posix.dirname(path), name, known);
  }

  #nearestIn(folder: string, name: string, known: Map<string, string | undefined>): string | undefined {
    const before = known.get(folder);
    if (before !== undefined || known.has(folder)) return before;
    const file = folder === '.' ? name : `${folder}/${name}`;
    const above = () => (folder === '.' ? undefined : this.#nearestIn(posix.dirname(folder), name, known));
    const found = this.files.has(file) ? file : above();
    known.set(folder, found);
    return found;
  }

  /** The text of a file; undefined where it cannot be read. */
  async text(path: string): Promise<string | undefined> {
    const bytes = await this.#tree.read(path).catch(() => undefined);
    return bytes && new TextDecoder().decode(bytes);
  }

  /** A path with its links resolved; undefined for one that leaves the repository or is a loop of links. */
  async realPath(path: string): Promise<string | undefined> {
    let real = posix.normalize(path);
    if (this.#plain.has(real)) return real;
    for (let followed = 0; followed < MAX_LINKS; followed += 1) {
      if (real === '..' || real.startsWith('../')) return undefined;
      const link = await this.#firstLink(real);
      if (link === undefined) return real;
      real = posix.normalize(posix.join(link.target, real.slice(link.path.length + 1)));
    }
    return undefined;
  }

  async #firstLink(path: string): Promise<{ readonly path: string; readonly target: string } | undefined> {
    for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
      const part = end < 0 ? path : path.slice(0, end);
      // Git lists a link as a file, and nothing below it.
      if (this.files.has(part)) {
        const target = await this.#readLink(part);
        return target === undefined ? undefined : { path: part, target };
      }
      if (end < 0) return undefined;
    }
  }

  #readLink(path: string): Promise<string | undefined> {
    const known = this.#links.get(path);
    if (known !== undefined) return known;
    const { root } = this.#tree;
    const target = this.#tree.readLink(path).then((link) => {
      if (link === undefined) return undefined;
      return posix.isAbsolute(link) ? posix.relative(root, link) : posix.join(posix.dirname(path), link);
    });
    this.#links.set(path, target);
    return target;
  }
}
