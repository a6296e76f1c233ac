import { createHash, hash } from 'node:crypto';
import { PrimitiveError } from '../core/errors.ts';
import type { BlobReceiver, Head } from '../repository/source-tree.ts';
import { corrupt, decode, failed, type Git } from './git-command.ts';

const BATCH = ['cat-file', '--batch'];

/** Streams any number of files through a process of its own; see `SourceTree.readBlobs`. */
export async function streamBlobs(
  git: Git,
  { objectFormat }: Head,
  objects: readonly string[],
  receiver: BlobReceiver,
): Promise<void> {
  let sum = createHash(objectFormat);
  const batch = new Batch('blob', objects, {
    start(index, size) {
      sum = createHash(objectFormat).update(objectHeader('blob', size));
      return receiver.start(index, size);
    },
    data(chunk) {
      sum.update(chunk);
      return receiver.data(chunk);
    },
    end(object) {
      checkId(sum.digest('hex'), object);
      return receiver.end();
    },
  });
  const args = [...BATCH, '--buffer'];
  const result = await git.run(args, {
    input: `${objects.join('\n')}\n`,
    stdout: async (chunk) => void (await batch.add(chunk)),
  });
  if (result.exitCode !== 0 || !batch.complete) throw failed(args, result);
}

/**
 * Reads small objects through one process that answers many requests: starting git costs more than reading.
 * It ends when no request comes within a turn of the event loop, so that it need not be closed.
 */
export class ObjectReader {
  readonly #git: Git;
  readonly #head: Pick<Head, 'objectFormat'>;
  #conversation: Conversation | undefined;

  constructor(git: Git, head: Pick<Head, 'objectFormat'>) {
    this.#git = git;
    this.#head = head;
  }

  /**
   * The contents of objects of one type, in their order, each compared with its id. Throws `git-object-missing`,
   * `git-object-corrupt`, `git-failed` (exit 3), and what `tooLarge` makes of an object of more than `maxBytes`.
   */
  async read(
    type: 'blob' | 'tree',
    objects: readonly string[],
    limit: { readonly maxBytes: number; readonly tooLarge: (object: string, size: number) => Error },
  ): Promise<readonly Uint8Array[]> {
    const contents: Uint8Array[] = [];
    if (objects.length === 0) return contents;
    /** The bytes that git hashes: the header, then the content. */
    let hashed = Buffer.alloc(0);
    let filled = 0;
    const batch = new Batch(type, objects, {
      start(index, size) {
        if (size > limit.maxBytes) throw limit.tooLarge(objects[index] ?? '', size);
        const header = objectHeader(type, size);
        hashed = Buffer.allocUnsafe(header.length + size);
        filled = hashed.write(header);
      },
      data(chunk) {
        hashed.set(chunk, filled);
        filled += chunk.length;
      },
      end: (object) => {
        checkId(hash(this.#head.objectFormat, hashed), object);
        contents.push(hashed.subarray(hashed.indexOf(0) + 1));
      },
    });
    if (this.#conversation?.over !== false) this.#conversation = new Conversation(this.#git);
    await this.#conversation.ask(batch);
    return contents;
  }
}

/** One `git cat-file --batch` and the reads that wait for it, in order. */
class Conversation {
  /** Whether it takes no further question. */
  over = false;
  readonly #waiting: { readonly batch: Batch; readonly settle: (error?: unknown) => void }[] = [];
  readonly #lines: string[] = [];
  #wake: () => void = () => {};

  constructor(git: Git) {
    git
      .run(BATCH, { input: this.#questions(), stdout: (chunk) => this.#answer(chunk) })
      .then((result) => this.#end(failed(BATCH, result)))
      .catch((error: unknown) => this.#end(error));
  }

  ask(batch: Batch): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, settle: (error) => (error === undefined ? resolve() : reject(error)) });
      this.#lines.push(`${batch.objects.join('\n')}\n`);
      this.#wake();
    });
  }

  async *#questions(): AsyncGenerator<string> {
    while (!this.over) {
      yield* this.#lines.splice(0);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (this.#lines.length > 0 || this.over) resolve();
      });
    }
  }

  async #answer(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.length > 0; ) {
      const [first] = this.#waiting;
      if (first === undefined) throw new Error('unexpected output of git cat-file');
      rest = await first.batch.add(rest);
      if (!first.batch.complete) continue;
      this.#waiting.shift();
      first.settle();
      setImmediate(() => this.#endIfIdle());
    }
  }

  #endIfIdle(): void {
    if (this.#waiting.length > 0) return;
    this.over = true;
    this.#wake();
  }

  /** Rejects what still waits. */
  #end(error: unknown): void {
    this.over = true;
    for (const { settle } of this.#waiting.splice(0)) settle(error);
  }
}

/** As {@link BlobReceiver}; `end` gets the id that the object should have. */
interface ObjectReceiver extends Omit<BlobReceiver, 'end'> {
  end(object: string): void | Promise<void>;
}

/** Cuts the output of `git cat-file --batch` (`OBJECT SP TYPE SP SIZE LF CONTENTS LF`) into objects. */
class Batch {
  readonly objects: readonly string[];
  readonly #type: 'blob' | 'tree';
  readonly #receiver: ObjectReceiver;
  #index = 0;
  #header = '';
  /** Bytes of the current object that are still to come; undefined while a header is read. */
  #left: number | undefined;

  constructor(type: 'blob' | 'tree', objects: readonly string[], receiver: ObjectReceiver) {
    this.#type = type;
    this.objects = objects;
    this.#receiver = receiver;
  }

  get complete(): boolean {
    return this.#index === this.objects.length && this.#left === undefined;
  }

  /** Takes what comes next, and returns what is beyond the last object. */
  async add(chunk: Uint8Array): Promise<Uint8Array> {
    let rest = chunk;
    while (rest.length > 0 && !this.complete) {
      if (this.#left === undefined) {
        const end = rest.indexOf(0x0a);
        this.#header += decode(end < 0 ? rest : rest.subarray(0, end));
        if (end < 0) return rest.subarray(rest.length);
        rest = rest.subarray(end + 1);
        await this.#start();
      } else if (this.#left > 0) {
        const part = rest.subarray(0, this.#left);
        rest = rest.subarray(part.length);
        this.#left -= part.length;
        await this.#receiver.data(part);
      } else {
        // The line feed after the contents.
        rest = rest.subarray(1);
        const object = this.objects[this.#index] ?? '';
        this.#index += 1;
        this.#left = undefined;
        await this.#receiver.end(object);
      }
    }
    return rest;
  }

  async #start(): Promise<void> {
    const [object, type, size] = this.#header.split(' ');
    const wanted = this.objects[this.#index];
    if (object !== wanted || type !== this.#type || size === undefined) {
      const what = this.#type === 'blob' ? 'file content' : 'folder';
      throw new PrimitiveError('git-object-missing', `Cannot read the ${what} ${wanted} from git`, {
        why: `git printed: ${this.#header}`,
        suggestions: ['git fsck --connectivity-only', 'git fetch --refetch, in a partial clone'],
        exit: 3,
      });
    }
    this.#header = '';
    this.#left = Number(size);
    await this.#receiver.start(this.#index, this.#left);
  }
}

/** The header that git hashes before the content of an object. */
function objectHeader(type: 'blob' | 'tree', size: number): string {
  return `${type} ${size}\0`;
}

function checkId(found: string, wanted: string): void {
  if (found !== wanted) throw corrupt(`The content of git object ${wanted} does not match its id.`);
}
