/** Which of some words a text has, whatever their case. */
export type WordSearch = (text: string) => ReadonlySet<string>;

/** Codes of characters that words may have. */
const ASCII = 128;

/**
 * Searches for any number of words in one pass over a text (Aho and Corasick, 1975). Words are of ASCII and in lower case;
 * letters of the text are compared in lower case.
 */
export function searchFor(words: Iterable<string>): WordSearch {
  const { list, steps, width, columns, firstFinal, finals } = tableOf([...new Set(words)]);
  return (text) => {
    const seen = new Uint8Array(finals.length);
    let state = 0;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      state = steps[state + (code < ASCII ? (columns[code] as number) : 0)] as number;
      if (state >= firstFinal) seen[(state - firstFinal) / width] = 1;
    }
    const found = new Set<string>();
    for (const [i, ends] of finals.entries()) {
      if (seen[i] === 1) for (const word of ends) found.add(list[word] as string);
    }
    return found;
  };
}

interface Node {
  readonly next: Map<number, Node>;
  /** Words that end here, by number. */
  readonly ends: number[];
  fail: Node | undefined;
  row: number;
}

/**
 * The automaton as one table: a row for each state, a column for each character that words have and one for all others.
 * States are offsets of rows; those in which words end come last.
 */
function tableOf(list: readonly string[]) {
  const columns = new Uint8Array(ASCII);
  let width = 1;
  const column = (code: number) => {
    const known = columns[code] as number;
    if (known !== 0) return known;
    columns[code] = width;
    // Letters of the text are those of the words in either case.
    const letter = String.fromCharCode(code);
    columns[letter.toUpperCase().charCodeAt(0)] = width;
    width += 1;
    return width - 1;
  };
  const root = nodeOf();
  for (const [number, word] of list.entries()) {
    let node = root;
    for (const character of word) {
      const at = column(character.charCodeAt(0));
      const next = node.next.get(at) ?? nodeOf();
      node.next.set(at, next);
      node = next;
    }
    node.ends.push(number);
  }
  const nodes = link(root);
  const plain = nodes.filter(({ ends }) => ends.length === 0);
  const final = nodes.filter(({ ends }) => ends.length > 0);
  for (const [i, node] of [...plain, ...final].entries()) node.row = i * width;
  const steps = new Uint32Array(nodes.length * width);
  // In the order of their depth: where a node has no step, it takes that of the node that it falls back to.
  for (const node of nodes) {
    for (let at = 0; at < width; at += 1) {
      const inherited = node.fail === undefined ? root.row : (steps[node.fail.row + at] as number);
      steps[node.row + at] = node.next.get(at)?.row ?? inherited;
    }
  }
  return {
    list,
    steps,
    width,
    columns,
    firstFinal: plain.length * width,
    finals: final.map(({ ends }) => ends),
  };
}

/** All nodes by depth, each with the longest other end of itself, and the words that end there. */
function link(root: Node): readonly Node[] {
  const nodes = [root];
  for (const node of nodes) {
    for (const [at, next] of node.next) {
      let fail = node.fail;
      while (fail !== undefined && !fail.next.has(at)) fail = fail.fail;
      next.fail = fail?.next.get(at) ?? root;
      next.ends.push(...next.fail.ends);
      nodes.push(next);
    }
  }
  return nodes;
}

function nodeOf(): Node {
  return { next: new Map(), ends: [], fail: undefined, row: 0 };
}
