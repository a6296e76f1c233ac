import { createHash } from 'node:crypto';
import type { Corpus, CorpusCase } from './case.ts';
import type { Files } from './tree.ts';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ALPHABETS = {
  base64: `${LETTERS}0123456789+/`,
  word: `${LETTERS}0123456789`,
  letter: LETTERS,
  hex: '0123456789abcdef',
  digit: '0123456789',
  upper: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567',
};

/** Characters that look random and are the same every time. No secret stands in this file: each is put together. */
export function random(length: number, alphabet: keyof typeof ALPHABETS = 'word', seed = ''): string {
  const characters = ALPHABETS[alphabet];
  let text = '';
  for (let block = 0; text.length < length; block += 1) {
    const bytes = createHash('sha256').update(`${alphabet}${seed}${block}`).digest();
    for (const byte of bytes) text += characters[byte % characters.length];
  }
  return text.slice(0, length);
}

/** An armoured block with some lines of base64. */
export function pem(label: string, lineEnd = '\n'): string {
  const body = Array.from({ length: 6 }, (_, i) => random(64, 'base64', `${label}${i}`));
  return [`-----BEGIN ${label}-----`, ...body, `-----END ${label}-----`, ''].join(lineEnd);
}

export const base64 = (text: string) => Buffer.from(text).toString('base64');
const notebook = (...lines: readonly string[]) =>
  `${JSON.stringify({ cells: [{ cell_type: 'code', source: lines.map((line) => `${line}\n`) }], nbformat: 4 }, null, 1)}\n`;

const secret = (data: string, kind = 'Secret') =>
  `apiVersion: v1\nkind: ${kind}\nmetadata: { name: db }\n${data}\n`;

const FOLDER = 'primitives/domain/orders';

type Content = string | Uint8Array;
type Found = readonly [path: string, line: number, content: Content];
type Missed = readonly [path: string, content: Content];

/** Cases of a rule: files with the line of the finding, and files without any. */
function cases(
  rule: CorpusCase['rule'],
  language: string,
  found: readonly Found[],
  missed: readonly Missed[],
): readonly CorpusCase[] {
  const one = (path: string, content: Content, line: number | undefined): CorpusCase => ({
    rule,
    language,
    name: `${path}: ${String(content).slice(0, 60)}`,
    files: { [`${FOLDER}/${path}`]: content } satisfies Files,
    finds: line === undefined ? undefined : `${FOLDER}/${path}:${line}`,
  });
  return [
    ...found.map(([path, line, content]) => one(path, content, line)),
    ...missed.map(([path, content]) => one(path, content, undefined)),
  ];
}

/** The account key of Azure's emulator, which its documentation prints. */
const AZURITE = [
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1',
  'OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K',
  '1SZFPTOtr/KBHBeksoGMGw==',
].join('');
const key = random(32);
/** Made of words: in a page, a comment or code of tests it is an example. */
const memorable = ['Local', 'test', 'pass', '1!'].join('');
const password = `tr0ub4dor-${random(6)}`;

/** A state of Terraform with one resource that has a `result`. */
const state = (type: string, result: string, more = '') =>
  `{ "resources": [{\n"type": "${type}",\n"instances": [{ ${more}\n"attributes": {\n"result": "${result}" } }] }] }\n`;

export const secrets: Corpus = {
  base: { 'primitive.config.yaml': 'registry: ghcr.io/acme\n' },
  cases: [
    ...cases(
      'SEC-001',
      'any',
      [
        ['key.pem', 1, pem('RSA PRIVATE KEY')],
        ['tls.txt', 3, `# TLS\r\n\r\n${pem('PRIVATE KEY', '\r\n')}`],
        ['config.yaml', 2, `key: |\n${pem('EC PRIVATE KEY').replace(/^/gm, '  ')}`],
        ['account.json', 1, JSON.stringify({ private_key: pem('PRIVATE KEY') })],
        ['cut.txt', 1, `-----BEGIN OPENSSH PRIVATE KEY-----\n${random(40, 'base64')}${'A'.repeat(24)}\n`],
        ['main.go', 2, `package a\nconst key = \`${pem('PRIVATE KEY')}\`\n`],
        ['age.txt', 1, `AGE-SECRET-KEY-1${random(58, 'upper')}\n`],
        ['store.p12', 1, Uint8Array.from([0x30, 0, 1, 2])],
        ['kubeconfig', 3, `users:\n- user:\n    client-key-data: ${base64(pem('RSA PRIVATE KEY'))}\n`],
        ['.env', 1, `TLS_KEY=${base64(pem('PRIVATE KEY'))}\n`],
        ['crlf.ts', 1, `const key = '${pem('RSA PRIVATE KEY').replaceAll('\n', '\\r\\n')}';\n`],
        ['joined.kt', 1, pem('RSA PRIVATE KEY').replace(/^(.*)$/gm, '"$1\\n" +')],
        ['der.yaml', 1, `saml: MIIEowIBAAKCAQEA${random(400, 'base64')}\n`],
        ['wrapped.txt', 1, `${base64(pem('OPENSSH PRIVATE KEY')).replace(/.{76}/g, '$&\n')}\n`],
      ],
      [
        ['cert.pem', pem('CERTIFICATE')],
        ['kubeconfig', `certificate-authority-data: ${base64(pem('CERTIFICATE'))}\n`],
        [
          'page.md',
          `-----BEGIN RSA PRIVATE KEY-----\n${random(64, 'base64')}\n...\n-----END RSA PRIVATE KEY-----\n`,
        ],
        ['truststore.jks', Uint8Array.from([0x30, 0, 1, 2])],
        ['cert.yaml', `crt: MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUF${random(200, 'base64')}\n`],
        ['header.txt', `${base64('-----BEGIN PRIVATE KEY-----\n...')}\n`],
        ['public.pem', pem('PUBLIC KEY')],
        ['README.md', 'Put `-----BEGIN PRIVATE KEY-----` before it.\n'],
        ['example.pem', '-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n'],
        ['parse.go', 'package a\nconst header = "-----BEGIN PRIVATE KEY-----"\nvar ok = true\n'],
      ],
    ),
    ...cases(
      'SEC-002',
      'any',
      [
        ['a.yaml', 1, `token: ghp_${random(36)}\n`],
        ['b.txt', 2, `\nglpat-${random(20)}\n`],
        ['escaped.ts', 2, `const a = '\\x41';\nconst key = '\\x67hp_${random(36)}';\n`],
        ['escaped.json', 1, `{ "a": "\\u0067lpat-${random(20)}" }\n`],
        ['escaped.py', 1, `a = "g\\x68p_${random(36)}"\n`],
        ['c.ts', 1, `const key = 'sk_live_${random(24)}';\n`],
        ['.npmrc', 1, `//registry.example.com/:_authToken=npm_${random(36)}\n`],
        ['.env', 1, `AWS_SECRET_ACCESS_KEY=${random(40, 'base64')}\n`],
        ['d.py', 1, `client = Client("AIza${random(35)}")\n`],
        ['e.tf', 1, `key = "AccountKey=${random(86, 'base64')}=="\n`],
        ['f.md', 1, `hf_${random(34, 'letter')}\n`],
        ['Dockerfile', 2, `FROM scratch\nENV VAULT_TOKEN=hvs.${random(90)}\n`],
        ['g.ipynb', 6, notebook(`login("ghp_${random(36)}")`)],
        [
          'h.bin',
          1,
          Buffer.concat([
            Buffer.from([0, 1, 2]),
            Buffer.from(`xoxb-${random(12, 'digit')}-${random(12, 'digit')}-${random(24)} `),
          ]),
        ],
        ['i.yaml', 1, `token: ghp_${random(36)} # secretlint-disable-line\n`],
        ['j.txt', 2, `${'a'.repeat(3 * 1024 * 1024)}\nghp_${random(36)}\n`],
        ['utf-16le.env', 2, Buffer.from(`\ufeff# Windows\r\nTOKEN=ghp_${random(36)}\r\n`, 'utf16le')],
        ['utf-16be.env', 1, Buffer.from(`\ufeffTOKEN=ghp_${random(36)}\n`, 'utf16le').swap16()],
        ['aws.yaml', 1, `accessKeyID: AKIA${random(16, 'upper')}\n`],
        ['twilio.ts', 1, `const sid = 'SK${random(32, 'hex')}';\n`],
        ['discord.py', 1, `discord = "M${random(23)}.${random(6)}.${random(38)}"\n`],
        ['hook.txt', 1, `https://discord.com/api/webhooks/${random(18, 'digit')}/${random(68)}\n`],
        ['jira.sh', 1, `curl -H "X: ATATT3xFfGF0${random(180)}=${random(8, 'hex')}"\n`],
        ['oauth.json', 1, `{ "client_secret": "GOCSPX-${random(28)}" }\n`],
        ['refresh.txt', 1, `1//0${random(60)}\n`],
        ['sas.txt', 1, `https://a.blob.core.windows.net/b?sv=2024&sig=${random(43)}%3D\n`],
        [
          'langfuse.env',
          1,
          `KEY=sk-lf-${random(8, 'hex')}-${['4a1c', '9b2e', '8f3d'].join('-')}-${random(12, 'hex')}\n`,
        ],
        [
          'pull.yaml',
          2,
          `data:\n  x: ${base64(`{"auths":{"ghcr.io":{"auth":"${base64(`svc:${password}`)}"}}}`)}\n`,
        ],
        ['encoded.go', 2, `package a\nvar pat = "${base64(`github_pat_${random(22)}_${random(59)}`)}"\n`],
        ['linear.md', 1, `lin_api_${random(40)}\n`],
        ['k.go', 1, `package a; var t = "eyJ${random(20)}.eyJ${random(40)}.${random(43)}"\r\n`],
      ],
      [
        ['a.md', 'Tokens begin with ghp_ and have 36 more characters.\n'],
        ['test-token.ts', "encrypt('xoxb-test-token'); const key = 'sk-lf-1234567890';\n"],
        ['azurite.env', `AZURE_KEY=${AZURITE}\nDefaultEndpointsProtocol=http;AccountKey=${AZURITE}\n`],
        ['parts.json', `{ "a": ["xoxb-${random(12, 'digit')}", "sk_live_${random(12)}", "x"] }\n`],
        ['repeated.json', `{ "a": "gho_${'apassw'.repeat(6)}" }\n`],
        ['unsigned.ts', `const t = '${base64('{"alg":"none"}')}.eyJ${random(40)}.${random(43)}';\n`],
        ['aws.tf', `export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7${'EXAMAAA'}\n`],
        ['member.go', 'package a\n\nvar a = s.AutoAllocatedIPv4Address\n'],
        ['cert.go', `package a\n\nconst c = "\\nEAAA${'A'.repeat(20)}EwDQYJKoZIhvcNAQEL"\n`],
        ['pull.yaml', `data:\n  x: ${base64('{"auths":{"ghcr.io":{"auth":"dXNlcjpwYXNzd29yZA=="}}}')}\n`],
        ['sample.md', `ghs_${['16C7e42F292c69', '12E7710c838347', 'Ae178B4a'].join('')}\n`],
        ['crypt.bin', Uint8Array.from(Buffer.from(`\0GITCRYPT\0${random(400)}`))],
        ['words.ts', "const t = 'xoxb-extremely-secret-token-abcdef123456';\n"],
        ['public.ts', `const key = 'phc_${random(43)}'; const publishable = 'pk_live_${random(24)}';\n`],
        ['encoded.go', `package a\nvar a = "${base64('ghp_ is what a token begins with, mostly')}"\n`],
        ['image.yaml', `image: quay.io/acme/results-api:${random(40, 'hex')}\n`],
        ['b.go', 'package a\nvar prefix = "ghp_"\nvar mask = "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"\n'],
        ['c.yaml', 'accessKey: AKIAIOSFODNN7EXAMPLE\n'],
        ['d.ts', "const key = process.env.STRIPE_KEY ?? '';\nconst sku = 'sk_test';\n"],
        ['a_test.go', `package a; var t = "eyJ${random(20)}.eyJ${random(40)}.${random(43)}"\n`],
        [
          'slack.md',
          'token = "xoxb-your-bot-token-here"\nhttps://hooks.slack.com/services/T1234/B5678/abcdefghijk\n',
        ],
        ['e.txt', `commit ${random(40, 'hex')}\nsha256:${random(64, 'hex')}\n`],
        ['go.sum', `example.com/a v1.0.0 h1:${random(43, 'base64')}=\n`],
      ],
    ),
    ...cases(
      'SEC-003',
      'any',
      [
        ['.env', 1, `DATABASE_URL=postgres://app:${password}@db.prod.internal:5432/app\n`],
        ['a.yaml', 2, `broker:\n  url: amqps://svc:${password}@mq.acme.io/vhost\n`],
        ['b.py', 1, `engine = create_engine("mysql+pymysql://app:${password}@10.0.0.5/app")\n`],
        ['c.go', 2, `package a\nconst dsn = "mongodb+srv://svc:${password}@cluster0.acme.net/app"\n`],
        ['d.ts', 1, `const url = 'https://svc:${password}@api.acme.io/v1';\n`],
        ['e.txt', 1, `Server=sql.acme.io;Database=app;User Id=svc;Password=${password};\n`],
        [
          'mysql.go',
          2,
          `package a\nconst dsn = "svc:${password}@tcp(db.acme.io:3306)/orders?parseTime=true"\n`,
        ],
        [
          'pg.go',
          2,
          `package a\nconst dsn = "host=db.acme.io user=svc password=${password} dbname=orders"\n`,
        ],
        ['pg.env', 1, `DSN="password='${password}' host=10.0.0.5 user=svc"\n`],
        ['app.properties', 1, `url=jdbc:postgresql://db.acme.io/orders?user=svc&password=${password}\n`],
        ['ms.properties', 1, `url=jdbc:sqlserver://db.acme.io:1433;user=sa;password=${password}\n`],
        ['f.env', 1, `REDIS_URL=rediss://:${password}@cache.acme.io:6380/0\n`],
      ],
      [
        ['.env', 'DATABASE_URL=postgres://app:secret@localhost:5432/app\n'],
        ['a.yaml', 'url: postgres://postgres:postgres@db:5432/app\n'],
        ['mysql.go', 'package a\nconst dsn = "root:password@tcp(127.0.0.1:3306)/orders"\n'],
        ['pg.go', 'package a\nconst dsn = "host=%s user=%s password=%s dbname=orders"\n'],
        ['local.go', `package a\nconst dsn = "host=localhost user=svc password=${password} dbname=orders"\n`],
        ['app.properties', `url=jdbc:postgresql://db/orders?user=\${USER}&password=\${PASSWORD}\n`],
        ['b.py', 'url = f"postgres://{user}:{password}@{host}/app"\n'],
        ['c.sh', `psql "postgres://app:\${PASSWORD}@db/app"\n`],
        ['d.ts', "const url = 'https://user:pass@example.com/';\n"],
        ['e.md', 'postgres://<user>:<password>@<host>/<database>\n'],
        ['f.go', 'package a\n// see https://acme.io:8443/a@b\nconst at = "git@github.com:acme/app.git"\n'],
        [
          'test_h.py',
          'url = "http://user:tr0ub4dor@models/v1/"\nclone = "https://oauth2:my-token@gitlab.com/a.git"\n',
        ],
        ['i.dll', Uint8Array.from(Buffer.from(`\0Server=a;Password=${password};`))],
        ['g.txt', `Server=sql.acme.io;Password=\${SQL_PASSWORD};\n`],
      ],
    ),
    ...cases(
      'SEC-004',
      'go',
      [
        ['a.go', 2, `package a\nconst apiKey = "${key}"\n`],
        ['b.go', 2, `package a\nvar c = Config{ClientSecret: "${random(24)}"}\n`],
        ['c.go', 3, `package a\nfunc f() {\n\tpassword := \`${password}\`\n}\n`],
        ['memorable.go', 2, `package a\nvar c = Config{Password: "${memorable}"}\n`],
        ['test/util.go', 2, `package test\nvar c = Config{Password: "${password}"}\n`],
        ['comment.go', 2, `package a\n// {"password": "${password}"} is what it takes.\n`],
        ['internal/test/db.go', 2, `package test\nconst apiKey = "${key}"\n`],
      ],
      [
        ['memorable/test/util.go', `package test\nvar c = Config{Password: "${memorable}"}\n`],
        ['memorable.go', `package a\n// {"password": "${memorable}"} is what it takes.\n`],
        [
          'rfc.go',
          `package a\n//\tAuthorization: Basic ${base64(`s6BhdRkqt3:${['gX1fBa', 't3bV'].join('')}`)}\n`,
        ],
        [
          'a.go',
          'package a\nconst apiKeyHeader = "X-Api-Key-Version-2026"\nvar token = os.Getenv("SERVICE_TOKEN_2026")\n',
        ],
        [
          'b.go',
          'package a\nvar err = errors.New("token 12345 has expired already")\nconst password = "password"\n',
        ],
        ['a_test.go', `package a\nconst apiKey = "${key}"\n`],
        ['internal/testdata/a.go', `package a\nconst apiKey = "${key}"\n`],
        [
          'c.go',
          'package a\nconst tokenURL = "https://issuer.acme.io/oauth2/token/v1"\nconst secretName = "orders-db-credentials-2"\n',
        ],
      ],
    ),
    ...cases(
      'SEC-004',
      'ts',
      [
        ['a.ts', 1, `export const API_KEY = '${key}';\n`],
        ['b.tsx', 1, `const a = <Map accessToken="${key}" />;\n`],
        ['c.js', 1, `module.exports = { "client_secret": \`${key}\` };\n`],
        ['src/test/db.ts', 1, `export const API_KEY = '${key}';\n`],
      ],
      [
        ['a.ts', "const apiKey = process.env['ORDERS_API_KEY_2'];\nconst token = 'invalid-token-1';\n"],
        ['client/.snapshots/a.json', `{ "client_secret": "${key}" }\n`],
        ['b.ts', "const a = { password: 'Passwort vergessen? 12', token: schema.string1() };\n"],
        ['a.test.ts', `const apiKey = '${key}';\n`],
        [
          'c.ts',
          "const secret = '0123456789abcdef0123456789abcdef';\nconst apiKey = 'your-api-key-goes-here-1';\n",
        ],
      ],
    ),
    ...cases(
      'SEC-004',
      'python',
      [
        ['a.py', 1, `API_KEY = "${key}"\n`],
        ['b.py', 1, `client = Client(secret_key='${key}')\n`],
        ['c.py', 1, `os.environ["SERVICE_TOKEN"] = "${key}"\n`],
        ['d.py', 1, `password: str = "${password}"\n`],
        ['src/acme/test/db.py', 1, `API_KEY = "${key}"\n`],
      ],
      [
        ['a.py', 'API_KEY = os.environ["ORDERS_API_KEY_2"]\nsecret_key = settings.secret_key_2\n'],
        ['b.py', 'token = "%(token1)s"\npassword = getpass("Password 123: ")\n'],
        ['tests/test_a.py', `API_KEY = "${key}"\n`],
        ['src/acme/conftest.py', `API_KEY = "${key}"\n`],
        ['c.py', 'password = "changeme"\ntoken = "{token}"\napi_key = f"{prefix}-{name}-1234567"\n'],
      ],
    ),
    ...cases(
      'SEC-004',
      'yaml',
      [
        ['a.yaml', 1, `apiKey: ${key}\n`],
        ['b.yml', 2, `env:\n  - password: "${password}"\n`],
        ['c.yaml', 1, `{ client_secret: ${key} }\n`],
        ['pair.yaml', 3, `env:\n- name: DB_PASSWORD\n  value: ${password}\n`],
        ['pair.json', 3, `[{\n"name": "API_KEY",\n"value": "${key}" }]\n`],
        ['block.yaml', 2, `token: |-\n  ${key}\n`],
        ['config.json', 1, `{ "auths": { "ghcr.io": { "auth": "${base64(`svc:${password}`)}" } } }\n`],
        ['header.yaml', 1, `header: "Authorization: Bearer ${key}"\n`],
        ['app-key.yaml', 1, `APP_KEY: ${random(32)}\n`],
        ['memorable.yaml', 1, `SA_PASSWORD: ${memorable}\n`],
        ['row.yaml', 1, `env: [{ name: DB_PASSWORD, value: ${password} }]\n`],
        ['state.tfstate', 5, state('random_password', password)],
        [
          'sensitive.tfstate',
          5,
          state('acme_login', password, '"sensitive_attributes": [[{ "value": "result" }]],'),
        ],
        ['output.tfstate', 1, `{ "outputs": { "db": { "sensitive": true, "value": "${password}" } } }\n`],
        [
          'a.postman_environment.json',
          1,
          `{ "values": [{ "key": "a", "value": "${password}", "type": "secret" }] }\n`,
        ],
        ['cookie.yaml', 1, `header: "Cookie: lang=en; session=${key}"\n`],
        ['version.yaml', 1, `SECRET_V2: ${key}\n`],
      ],
      [
        ['escaped.json', `{ "pattern": "[\\u0041-\\u005a]{36}", "a": "\\u0041${random(20)}" }\n`],
        ['string.tfstate', state('random_string', password)],
        ['output.tfstate', `{ "outputs": { "db": { "sensitive": false, "value": "${password}" } } }\n`],
        [
          'b.postman_environment.json',
          `{ "values": [{ "key": "a", "value": "${password}", "type": "default" }] }\n`,
        ],
        ['cookie.yaml', 'header: "Cookie: session=$SESSION; theme=dark-1234567890-blue"\n'],
        [
          'objects.yaml',
          'secret: ibm-s390x-ssh-key\nsecret: aws-ssh-key-4x8\ntoken: konflux-ci.pull-secret-v12\n',
        ],
        ['rules.yaml', 'password:\n  minLength12chars: true\ntoken:\n  ttlSeconds3600andMore: 1\n'],
        ['pair.yaml', 'env:\n- name: DB_PASSWORD\n  value: $(DB_PASSWORD_1)\n- name: TOKEN\n  value: ""\n'],
        [
          'header.yaml',
          `a: "Authorization: Bearer \${TOKEN}"\nb: "Authorization: Basic dXNlcjpwYXNzd29yZA=="\n`,
        ],
        [
          'sops.yaml',
          `password: ENC[AES256_GCM,data:${random(24, 'base64')},iv:${random(43, 'base64')}=,type:str]\n`,
        ],
        [
          'hashes.yaml',
          `htpasswd_password: "admin:$2y$05$${random(53)}"\npassword: svc:{SHA}${random(27)}=\n`,
        ],
        [
          'vault.yaml',
          `password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  ${random(64, 'digit')}\n  ${random(64, 'digit')}\n`,
        ],
        ['sealed.json', `{ "encryptedData": { "secret": "Ag${random(400, 'base64')}" } }\n`],
        ['urn.yaml', 'password: urn:k8s:secret:oidc:redisPass1\nclientSecret: ACCESS_SECRET_KEY_2\n'],
        ['record.yaml', 'remoteRef:\n  key: OqPt3Vd37My7G8rTb-8Q\n'],
        ['search.ts', `algolia: { apiKey: '${random(32, 'hex')}', indexName: 'docs' }\n`],
        [
          'catalog.json',
          '{ "Auth0": "6c504e48-14aa-4221-9a72-19cf5ff1ae78",\n"HubSpot": "36c891d9-4bd9-43ac-bad2-10e12756272c" }\n',
        ],
        [
          'list.json',
          '{ "a": "Security Key",\n"bada5566-a7aa-401f-bd96-45619a55120d": "1Password",\n"b84e4048-15dc-4dd0-8640-f4f60813c8af": "x" }\n',
        ],
        ['sorted.yaml', 'sort_key: 4f7Bq9ZkLm2Xr8Wc1Tn6\nidempotency_key: "refund-cus_LqT4v8-20260709"\n'],
        ['hash.yaml', 'admin.password: $2a$10$rRyBsGSHK6.uc8fntPwVIuLVHgsAhAX7TcdrqW\n'],
        [
          'names.yaml',
          'token: $slack-token-workspace1\nclientSecret: $another-secret:oidc.auth0.clientSecret\n',
        ],
        ['words.yaml', `token: ${base64('strong-password')}\n`],
        ['a.yaml', `apiKey: \${API_KEY_2026_PRODUCTION}\npassword: {{ .Values.password }}\n`],
        ['b.yaml', 'secretName: orders-db-credentials-2\ntokenPath: /var/run/secrets/token-1\n'],
        ['c.yaml', 'valueFrom: { secretKeyRef: { name: orders-db-1, key: password } }\npassword: null\n'],
        ['d.yaml', `token: ref+vault://secret/orders#token1\ndigest: sha256:${random(64, 'hex')}\n`],
      ],
    ),
    ...cases(
      'SEC-004',
      'env',
      [
        ['.env', 1, `SERVICE_TOKEN=${key}\n`],
        ['compose.env', 1, `SECRET_KEY_BASE=${random(64)}\n`],
        ['setup.md', 3, `Put this into the file:\n\n    client_secret: ${key}\n`],
        ['.env.production', 2, `# ours\nexport DB_PASSWORD=${password}\n`],
        ['app.properties', 1, `service.api.key = ${key}\r\n`],
        ['.netrc', 1, `machine acme.io login svc password ${password}\n`],
        ['basic.sh', 1, `curl -H "Authorization: Basic ${base64(`svc:${password}`)}" https://acme.io\n`],
        ['curl.sh', 1, `curl -fsS -u svc:${password} https://acme.io\n`],
        ['flag.sh', 1, `docker login --username svc --password ${password} ghcr.io\n`],
        ['key.sh', 1, `curl -H "X-Api-Key: ${key}" https://acme.io\n`],
      ],
      [
        ['memorable.md', `    password: ${memorable}\n`],
        ['rules.mdc', `-d '{"username": "admin", "password": "admin123"}'\n`],
        ['page.md', `    "access_token": "${['2YotnFZFEj', 'r1zCsicMWpAA'].join('')}"\n`],
        [
          'setup.md',
          'The token is kept for 24 hours.\nThe password must have 12 characters.\nAPI key: see https://acme.io\n',
        ],
        [
          '.env.example',
          'S3_SECRET_ACCESS_KEY=\nS3_MULTI_PART_SIZE=5242880\nTOKEN=\n\nA_B_C=d41d8cd98f00b204\n',
        ],
        ['empty.env', 'DB_PASSWORD=\r\nDB_PORT5432_IN_USE=yes_it_is_1\r\n'],
        [
          'curl.sh',
          'curl -u "$USER:$PASSWORD" https://acme.io\ncurl --user admin:changeme https://acme.io\n',
        ],
        ['.env.sample', 'SERVICE_TOKEN=\nDB_PASSWORD=changeme\nAPI_KEY=xxxxxxxxxxxxxxxxxxxx1\n'],
        ['.env', 'SERVICE_TOKEN=$OTHER_TOKEN_2\nTOKEN_FILE=/run/secrets/token_1\nSECRET_NAME=orders\n'],
        [
          'app.ini',
          `password = \${DB_PASSWORD_1}\npassword_min_length = 12\ntoken = op://vault/orders/token1\n`,
        ],
      ],
    ),
    ...cases(
      'SEC-004',
      'dockerfile',
      [
        ['Dockerfile', 2, `FROM scratch\nENV API_KEY=${key}\n`],
        ['Dockerfile', 2, `FROM scratch\nARG SERVICE_TOKEN="${key}"\n`],
        ['build.dockerfile', 2, `FROM scratch\nENV DB_PASSWORD ${password}\n`],
      ],
      [
        ['Dockerfile', 'FROM scratch\nARG API_KEY\nENV API_KEY=$API_KEY\n'],
        ['Dockerfile', 'FROM scratch\nRUN --mount=type=secret,id=token,target=/run/token1 cat /run/token1\n'],
        ['Dockerfile', `FROM scratch@sha256:${random(64, 'hex')}\nENV TOKEN_URL=https://acme.io/token/v1\n`],
      ],
    ),
    ...cases(
      'SEC-004',
      'notebook',
      [
        ['a.ipynb', 6, notebook(`api_key = "${key}"`)],
        ['b.ipynb', 7, notebook('import os', `os.environ['SERVICE_TOKEN'] = '${key}'`)],
        ['c.ipynb', 6, notebook(`client = Client(password="${password}")`)],
      ],
      [
        ['a.ipynb', notebook('api_key = os.environ["ORDERS_API_KEY_2"]')],
        ['b.ipynb', notebook('password = getpass("Password 123: ")')],
        ['c.ipynb', notebook('print("token", token)', `# ${random(64, 'hex')}`)],
      ],
    ),
    ...cases(
      'SEC-005',
      'kubernetes',
      [
        ['a.yaml', 4, secret(`data: { password: ${base64(password)} }`)],
        [
          'a.jsonnet',
          5,
          `local k = 1;\n{\n  kind: 'Secret',\n  stringData: {\n    pin: '${password}', // of the door\n  },\n}\n`,
        ],
        ['b.libsonnet', 2, `{\n  db: k.core.v1.secret.new('db', { dsn: '${base64(password)}' }),\n}\n`],
        ['c.libsonnet', 1, `{ kind: 'Secret', data+: { dsn: std.base64('${password}') } }\n`],
        ['b.yaml', 5, secret(`stringData:\n  password: ${password}`)],
        ['object.yaml', 5, secret(`data:\n  full_secret: '{"name":"orders","password":"${password}"}'`)],
        [
          'c.yaml',
          9,
          `${secret('data: {}', 'ConfigMap')}---\n${secret(`data: { a: ${base64('hunter2!')} }`)}`,
        ],
        [
          'settings.yaml',
          4,
          secret(`data: { settings.env: ${base64(`PORT=8080\nDB_PASSWORD=${password}\n`)} }`),
        ],
        ['address.yaml', 4, secret(`data: { broker: ${base64(`amqps://svc:${password}@mq.acme.io/v`)} }`)],
        [
          'list.json',
          2,
          `{ "kind": "List", "items": [{\n"kind": "Secret", "data": { "a": "${base64('hunter2!')}" } }] }\n`,
        ],
        [
          'chart.yaml',
          6,
          `{{- if .Values.db }}\n${secret(`stringData:\n  password: ${password}`)}{{- end }}\n`,
        ],
      ],
      [
        ['a.jsonnet', `{ kind: 'Secret', stringData: { dsn: std.extVar('dsn'), url: 'https://acme.io' } }\n`],
        [
          'b.jsonnet',
          `[{ kind: 'Secret', type: 'Opaque' }, { kind: 'ConfigMap', data: { salt: '${password}' } }]\n`,
        ],
        [
          'object.yaml',
          secret(
            `data:\n  full_secret: '{"name":"orders","password":"supersecretpassword","uri":"acme.io"}'`,
          ),
        ],
        ['a.yaml', secret('stringData: { password: "{{ .Values.password }}" }')],
        ['b.yaml', secret(`data: { password: ${base64('changeme')} }`)],
        ['c.yaml', secret(`data: { name: ${base64('orders')} }`, 'ConfigMap')],
        [
          'd.yaml',
          secret(`spec: { encryptedData: { password: Ag${random(80, 'base64')} } }`, 'SealedSecret'),
        ],
        [
          'e.yaml',
          'kind: ExternalSecret\nspec: { data: [{ secretKey: password, remoteRef: { key: db } }] }\n',
        ],
        [
          'g.yaml',
          secret(`stringData: { url: "https://github.com/acme", username: svc, tls.crt: ${base64('x509')} }`),
        ],
        ['h.yaml', secret(`stringData: { email-username: svc4a7, mtime: "2024-05-06T07:08:09Z" }`)],
        [
          'i.yaml',
          secret(
            `data: { DATABASE_PORT: ${base64('5432')}, DATABASE_KIND: ${base64('postgresql')}, aws_region: ${base64('us-east-1')}, bucket: ${base64('kb-logs-42')} }`,
          ),
        ],
        [
          'k.yaml',
          secret(
            `data: { tls.crt: ${base64(pem('CERTIFICATE'))}, ca.pem: ${base64(pem('CERTIFICATE'))}, tls.key: ${base64('-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----')} }`,
          ),
        ],
        [
          'l.yaml',
          secret(
            `stringData: { webhook.secret: "shhhh! it is a github secret", endpoint: "http://ACCESS_KEY:SECRET_KEY@HOST:PORT" }`,
          ),
        ],
        [
          'm.yaml',
          secret(`stringData: { password: "ENC[AES256_GCM,data:${random(24, 'base64')},type:str]" }`),
        ],
        ['e2e-tests/n.yaml', secret('stringData: { DB_PASSWORD: backup123456 }')],
        ['o.yaml', secret(`data: { settings.env: ${base64('PORT=8080\nLOG_LEVEL=debug\nDB_PASSWORD=\n')} }`)],
        ['j.yaml', secret('stringData: { mail: "admin@acme.io", retention: "12d", replicas: "3" }')],
        ['f.yaml', secret('data:\n  password: ""\n  other:\ntype: Opaque')],
      ],
    ),
  ],
};
