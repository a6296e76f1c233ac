import type { Tokens } from './proto-tokens.ts';

/** One call of a service. */
export interface Method {
  readonly name: string;
  readonly request: string;
  readonly response: string;
  /** Whether the caller sends a stream. */
  readonly takesMany: boolean;
  /** Whether it answers by a stream. */
  readonly givesMany: boolean;
}

export interface Service {
  readonly name: string;
  readonly methods: readonly Method[];
}

export const NAME = /^[A-Za-z_]\w*$/;
export const TYPE = /^\.?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;

/** A service, behind its keyword. */
export function readService(tokens: Tokens): Service {
  const name = tokens.match(NAME);
  const methods: Method[] = [];
  tokens.match(/^\{$/);
  for (let word = tokens.match(/./); word !== '}'; word = tokens.match(/./)) {
    if (word === 'rpc') methods.push(readMethod(tokens));
    else tokens.skipStatement(word);
  }
  return { name, methods };
}

function readMethod(tokens: Tokens): Method {
  const name = tokens.match(NAME);
  const [request, takesMany] = readParameter(tokens);
  tokens.match(/^returns$/);
  const [response, givesMany] = readParameter(tokens);
  tokens.skipStatement(tokens.match(/^[;{]$/));
  return { name, request, response, takesMany, givesMany };
}

function readParameter(tokens: Tokens): readonly [type: string, isStream: boolean] {
  tokens.match(/^\($/);
  const first = tokens.match(TYPE);
  const isStream = first === 'stream' && tokens.peek() !== ')';
  const type = isStream ? tokens.match(TYPE) : first;
  tokens.match(/^\)$/);
  return [type, isStream];
}
