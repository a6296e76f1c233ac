import { looksRandom } from './assignments.ts';
import type { SecretFormat } from './format.ts';
import { isPlaceholder } from './placeholder.ts';

/** Formats that neither Secretlint nor gitleaks knows, or only in part. */
export const ownFormats: readonly SecretFormat[] = [
  {
    name: 'private key',
    kind: 'private-key',
    pattern:
      /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\{1,2}[nr]|["'`+]){0,80}(?:[\w-]{1,40}: (?:[^\n]{0,200}\n\s*|(?![^\n]{0,200}\n)\S{1,200}[ \t]+)){0,8}([A-Za-z0-9+/=]{16}[A-Za-z0-9+/=\s]*)/g,
    words: ['private key'],
    // Of a page, the first line of a key and dots.
    accepts: ({ index, input }, value) =>
      !/^(?:\.|…|\*{3}|<)/.test(input.slice(index + value.length).trimStart()),
  },
  {
    // The first numbers of an RSA key, bare or in PKCS #8, in base64.
    name: 'private key',
    kind: 'private-key',
    pattern:
      /(?<![A-Za-z0-9+/])MII[A-Za-z0-9+/]{3,4}(?:IBAAKC|ADANBgkqhkiG9w0BAQEFAASC)[A-Za-z0-9+/]{200,}={0,2}/g,
    words: ['ibaakc', 'adanbgkqhkig9w0baqefaasc'],
  },
  {
    name: 'age key',
    kind: 'private-key',
    pattern: /\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b/g,
    words: ['age-secret-key-1'],
  },
  {
    // RFC 7518, section 6: the private part of a key.
    name: 'private JSON Web Key',
    kind: 'private-key',
    pattern: /"d"[ \t]{0,4}:\s{0,8}"([\w-]{43,1024})"/g,
    words: ['"kty"'],
    group: 1,
    accepts: ({ index, input }) => /"kty"/.test(input.slice(Math.max(0, index - 2000), index + 4000)),
  },
  token('Square secret', /\bsq0csp-[\w-]{43}(?![\w-])/g, 'sq0csp-'),
  token('New Relic key', /\bNRAK-[A-Z0-9]{27}\b/g, 'nrak-'),
  token('Typeform token', /\btfp_[\w-]{40,60}(?![\w-])/g, 'tfp_'),
  token('Google API key', /\bAIza[\w-]{35}(?![\w-])/g, 'aiza'),
  token('Google OAuth secret', /\bGOCSPX-[\w-]{28}(?![\w-])/g, 'gocspx-'),
  token('Google OAuth token', /(?<![\w/])(?:ya29\.[\w-]{40,}|1\/\/0[\w-]{40,})/g, 'ya29.', '1//0'),
  token('JSON Web Token', /\beyJ(?:(?!-eyJ)[\w-]){8,}\.eyJ[\w-]{8,}\.[\w-]{16,}/g, '.eyj'),
  token('Azure storage key', /\bAccountKey=([A-Za-z0-9+/]{86}==)/g, 'accountkey='),
  token('Azure shared access signature', /[?&]sig=[\w%+/-]{40,}={0,2}/g, 'sig='),
  token('PyPI token', /\bpypi-AgE[\w-]{50,}/g, 'pypi-age'),
  token('DigitalOcean token', /\bdo[opr]_v1_[0-9a-f]{64}\b/g, '_v1_'),
  token('Docker token', /\bdckr_(?:pat|oat)_[\w-]{27,}/g, 'dckr_'),
  token('GitHub token', /\bgithub_pat_\w{22,255}\b/g, 'github_pat_'),
  token('Hugging Face token', /\bhf_[A-Za-z]{34}\b/g, 'hf_'),
  token('OpenAI key', /\bsk-(?:proj|svcacct|admin)-(?:(?!-sk-)[\w-]){20,}T3BlbkFJ[\w-]{20,}/g, 't3blbkfj'),
  token('Vault token', /\bhv[sbr]\.[\w-]{24,}/g, 'hvs.', 'hvb.', 'hvr.'),
  token('Telegram token', /\b\d{8,10}:AA[\w-]{33}(?![\w-])/g, ':aa'),
  token('Langfuse key', /\bsk-lf-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'sk-lf-'),
  token('Atlassian token', /\bAT(?:ATT3x|CTT3x|BB)[\w=-]{28,}/g, 'att3x', 'ctt3x', 'atbb'),
  token('Discord token', /(?<![\w.-])[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,40}(?![\w-])/g, 'discord', 'bot'),
  token(
    'Discord webhook',
    /\bdiscord(?:app)?\.com\/api\/(?:v\d{1,2}\/)?webhooks\/\d{15,22}\/[\w-]{60,}/g,
    '/webhooks/',
  ),
  {
    name: 'URL with a password',
    kind: 'url',
    pattern:
      /\b[a-z][a-z0-9+.-]{1,30}:\/\/[^\s:/?#"'<>@[\](){}|\\^`]{0,64}:([^\s/?#"'<>@]{3,128})@[^\s"'<>@]+/gi,
    words: ['://'],
  },
  {
    name: 'connection string',
    kind: 'url',
    pattern:
      /\b(?:Server|Data Source|Host|Endpoint)=[^;\n"']{1,200};[^\n"']{0,500}?\b(?:Password|Pwd|SharedAccessKey)=([^;\n"'\s]{4,128})/gi,
    words: ['password=', 'pwd=', 'sharedaccesskey='],
  },
  {
    name: 'data source name',
    kind: 'url',
    pattern:
      /(?<![\w.%+-])[\w.%+-]{1,64}:[^\s:@/"'`()]{3,128}@(?:tcp|udp|unix)\d?\([^\s()"'`]{0,200}\)(?:\/[\w-]{0,100})?/g,
    words: ['@tcp', '@udp', '@unix'],
  },
  {
    // In the order of libpq: any.
    name: 'connection string',
    kind: 'url',
    pattern:
      /(?<![\w=])(?:[a-z_]{2,30}=(?:'[^'\n]{0,200}'|[^\s"'`;&]{0,200})[ \t]{1,4}){1,16}[a-z_]{2,30}=(?:'[^'\n]{0,200}'|[^\s"'`;&]{1,200})/g,
    words: ['password='],
    accepts: ([text]) => /\bpassword=/.test(text) && /\b(?:host(?:addr)?|dbname)=/.test(text),
  },
  {
    name: 'JDBC address',
    kind: 'url',
    pattern: /\bjdbc:[a-z0-9:]{2,40}(?:\/\/|@)[^\s"'`<>]{1,300}?[?&;](?:password|pwd)=[^\s&;"'`<>]{3,128}/gi,
    words: ['jdbc:'],
  },
  {
    name: 'Authorization',
    kind: 'assignment',
    pattern:
      /\bauthorization["'`]?\]?[ \t]{0,4}(?:=>|[:=,])[ \t]{0,4}[a-z]{0,2}["'`]?(?:bearer|token|apikey)[ \t]{1,4}([\w.~+/=-]{8,2048})(?![\w$%{(<])/gi,
    words: ['authorization'],
    group: 1,
    accepts: (_, value) => looksRandom('token', value),
  },
  {
    name: 'Authorization',
    kind: 'assignment',
    pattern: /["'`]bearer[ \t]{1,4}([\w.~+/=-]{16,2048})["'`]/gi,
    words: ['bearer '],
    group: 1,
    accepts: (_, value) => looksRandom('token', value),
  },
  {
    name: 'Authorization',
    kind: 'assignment',
    pattern: /\bbasic[ \t]{1,4}([A-Za-z0-9+/]{8,512}={0,2})(?![\w$%{(<=+/])/gi,
    words: ['basic '],
    group: 1,
    accepts: (_, value) => isLogin(value),
  },
  {
    name: 'API key',
    kind: 'assignment',
    pattern: /["'`](?:x-[\w-]{0,40}(?:key|token|secret)|api-?key):[ \t]{0,4}([\w.~+/=-]{16,512})["'`]/gi,
    words: ['key:', 'token:', 'secret:'],
    group: 1,
    accepts: (_, value) => looksRandom('token', value),
  },
  {
    // Of a session or a login: other cookies are settings.
    name: 'cookie',
    kind: 'assignment',
    pattern:
      /\b(?:set-)?cookie["'`]?\]?[ \t]{0,4}[:=,][ \t]{0,4}["'`]?(?:[\w.-]{1,64}=[^\s;"'`]{0,200};[ \t]{0,4}){0,8}?[\w.-]{0,40}(?:sess(?:ion)?(?:_?id)?|sid|auth|token|jwt)=([\w.~+/%=-]{20,2048})/gi,
    words: ['cookie'],
    group: 1,
    accepts: (_, value) => looksRandom('token', value),
  },
  {
    name: 'user of curl',
    kind: 'assignment',
    pattern: /\bcurl\b[^\n]{0,300}?[ \t](?:-u|--user)(?:=|[ \t]{1,4})["']?[\w.@-]{1,64}:([^\s"'`:]{3,128})/g,
    words: ['curl'],
    group: 1,
    accepts: (_, value) => looksRandom('password', value),
  },
  {
    name: 'password in SQL',
    kind: 'assignment',
    pattern:
      /\b(?:PASSWORD|IDENTIFIED(?:[ \t]{1,4}WITH[ \t]{1,4}\w{1,40})?[ \t]{1,4}BY)[ \t]{1,4}'([^'\n]{6,128})'/gi,
    words: ['password', 'identified'],
    group: 1,
    accepts: (_, value) => looksRandom('password', value),
  },
  {
    name: 'password on a command line',
    kind: 'assignment',
    pattern:
      /\b(?:sshpass[ \t]{1,4}-p[ \t]{0,4}|mysql(?:dump|admin)?\b[^\n]{0,200}?[ \t]-p|redis-cli\b[^\n]{0,200}?[ \t](?:-a|--pass)[ \t]{1,4}|-pass(?:in|out)?[ \t]{1,4}["']?pass:)["']?([^\s"'`$\\|;]{6,128})/g,
    words: ['sshpass', 'mysql', 'redis-cli', 'pass:'],
    group: 1,
    accepts: (_, value) => looksRandom('password', value),
  },
  {
    name: 'password for the input of a program',
    kind: 'assignment',
    pattern:
      /\b(?:echo|printf)[ \t]{1,4}(?:-n[ \t]{1,4})?["']?([^\s"'`$\\|;]{6,128})["']?[ \t]{0,4}\|[^\n|]{0,200}--password-stdin/g,
    words: ['--password-stdin'],
    group: 1,
    accepts: (_, value) => looksRandom('password', value),
  },
  {
    name: 'password for htpasswd',
    kind: 'assignment',
    pattern:
      /\bhtpasswd[ \t]{1,4}(?:-\w{1,6}[ \t]{1,4}){1,5}(?:[\w./-]{1,100}[ \t]{1,4})?[\w.@-]{1,64}[ \t]{1,4}["']?([^\s"'`$\\|;]{6,128})/g,
    words: ['htpasswd'],
    group: 1,
    accepts: (_, value) => looksRandom('password', value),
  },
  {
    name: 'key of one-time passwords',
    kind: 'token',
    pattern: /\botpauth:\/\/[^\s"'`<>]{1,200}?[?&]secret=([A-Z2-7]{16,128})/g,
    words: ['otpauth:'],
    group: 1,
  },
  {
    name: 'login of a registry',
    kind: 'assignment',
    pattern: /"auth"[ \t]{0,4}:\s{0,40}"([A-Za-z0-9+/]{8,4096}={0,2})"/g,
    words: ['"auth"'],
    group: 1,
    accepts: (_, value) => isLogin(value),
  },
];

function token(name: string, pattern: RegExp, ...words: readonly string[]): SecretFormat {
  return { name, kind: 'token', pattern, words };
}

/** `user:password` in base64, as in a header of HTTP or a login of Docker. */
export function isLogin(value: string): boolean {
  const [, user = '', password = ''] =
    /^([\x21-\x39\x3b-\x7e]{1,128}):([\x20-\x7e]{3,})$/.exec(
      Buffer.from(value, 'base64').toString('latin1'),
    ) ?? [];
  return (
    password !== '' && password !== user && !isPlaceholder(password) && looksRandom('password', password)
  );
}
