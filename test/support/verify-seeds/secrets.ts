import { base64, pem, random } from '../verify-corpus/secrets.ts';
import type { Seed } from './seed.ts';

const FOLDER = 'primitives/domain/orders';

const base = {
  'primitive.config.yaml': 'registry: ghcr.io/acme\n',
  [`${FOLDER}/primitive.yaml`]: 'kind: domain\nname: orders\n',
};

const TWICE = 'is encoded twice, compressed or split over lines is not found';
const AWAY = 'known by the name beside it';
const BEHIND = 'tokens, keys and addresses are found, no passwords';
const COOKIES = 'In lists of cookies';
const JSONNET = 'Of jsonnet, a Secret is read where its values are written out';
const WORDS_ALONE = 'A password of words alone';

const hex = (length: number, seed = '') => random(length, 'hex', seed);
const digits = (length: number, seed = '') => random(length, 'digit', seed);
const upper = (length: number) => random(length, 'upper');
const uuid = (seed: string) =>
  [8, 4, 4, 4, 12].map((length, i) => random(length, 'hex', `${seed}${i}`)).join('-');
const key = random(32);
const password = `tr0ub4dor-${random(6)}`;

/** Tokens by the service that makes them, put together here: no line of this file has one. */
const TOKENS: Readonly<Record<string, string>> = {
  'GitHub classic': `ghp_${random(36)}`,
  'GitHub OAuth': `gho_${random(36)}`,
  'GitHub user to server': `ghu_${random(36)}`,
  'GitHub server to server': `ghs_${random(36)}`,
  'GitHub refresh': `ghr_${random(36)}`,
  'GitHub fine-grained': `github_pat_${random(22)}_${random(59)}`,
  'GitLab personal': `glpat-${random(20)}`,
  'GitLab deploy': `gldt-${random(20)}`,
  'GitLab runner': `glrt-${random(20)}`,
  'GitLab pipeline trigger': `glptt-${hex(40)}`,
  'Slack bot': `xoxb-${digits(12)}-${digits(12, 'b')}-${random(24)}`,
  'Slack user': `xoxp-${digits(12)}-${digits(12, 'b')}-${digits(12, 'c')}-${hex(32)}`,
  'Slack app': `xapp-1-A${upper(10)}-${digits(13)}-${hex(64)}`,
  'Slack webhook': `https://hooks.slack.com/services/T${upper(9)}/B${upper(9)}/${random(24)}`,
  npm: `npm_${random(36)}`,
  PyPI: `pypi-AgEIcHlwaS5vcmc${random(70)}`,
  RubyGems: `rubygems_${hex(48)}`,
  Clojars: `CLOJARS_${hex(60)}`,
  'AWS access key': `AKIA${upper(16)}`,
  'AWS session key': `ASIA${upper(16)}`,
  'Google API': `AIza${random(35)}`,
  'Google OAuth client': `GOCSPX-${random(28)}`,
  'Google access': `ya29.${random(60)}`,
  'Google refresh': `1//0${random(60)}`,
  'Stripe live': `sk_live_${random(24)}`,
  'Stripe restricted': `rk_live_${random(24)}`,
  Anthropic: `sk-ant-api03-${random(93)}AA`,
  'OpenAI project': `sk-proj-${random(74)}T3BlbkFJ${random(74, 'word', 'b')}`,
  'OpenAI service': `sk-svcacct-${random(74)}T3BlbkFJ${random(74, 'word', 'b')}`,
  'Hugging Face': `hf_${random(34, 'letter')}`,
  Groq: `gsk_${random(52)}`,
  Perplexity: `pplx-${random(48)}`,
  Langfuse: `sk-lf-${uuid('lf')}`,
  'Vault service': `hvs.${random(90)}`,
  'Vault batch': `hvb.${random(150)}`,
  DigitalOcean: `dop_v1_${hex(64)}`,
  'Docker personal': `dckr_pat_${random(27)}`,
  'Docker organization': `dckr_oat_${random(32)}`,
  SendGrid: `SG.${random(22)}.${random(43, 'word', 'b')}`,
  Sendinblue: `xkeysib-${hex(64)}-${random(16)}`,
  Mailchimp: `mailchimp_api_key: ${hex(32)}-us12`,
  Twilio: `SK${hex(32)}`,
  'Discord webhook': `https://discord.com/api/webhooks/${digits(18)}/${random(68)}`,
  'Discord bot': `discord bot M${random(23)}.${random(6)}.${random(38, 'word', 'b')}`,
  Telegram: `${digits(9)}:AA${random(33)}`,
  'Atlassian cloud': `ATATT3xFfGF0${random(180)}=${upper(8)}`,
  'Atlassian app': `ATBB${random(32)}`,
  'Sentry organization': `sntrys_${base64(`{"iat":1,"url":"https://sentry.io","region_url":"https://us.sentry.io","org":"acme","k":"${random(20)}"}`)}_${random(43)}`,
  'Sentry user': `sntryu_${hex(64)}`,
  'Grafana service account': `glsa_${random(32)}_${hex(8)}`,
  'Grafana Cloud': `glc_eyJvIjoi${random(60)}==`,
  Linear: `lin_api_${random(40)}`,
  Notion: `ntn_${digits(11)}${random(35)}`,
  Figma: `figd_${random(40)}`,
  Databricks: `dapi${hex(32)}`,
  Tailscale: `tskey-auth-${random(12)}-${random(32)}`,
  '1Password service account': `ops_eyJzaWduSW5BZGRyZXNz${random(280)}`,
  Postman: `PMAK-${hex(24)}-${hex(34, 'b')}`,
  Pulumi: `pul-${hex(40)}`,
  'Terraform Cloud': `${random(14)}.atlasv1.${random(67)}`,
  Doppler: `dp.pt.${random(43)}`,
  PlanetScale: `pscale_tkn_${random(43)}`,
  'Shopify admin': `shpat_${hex(32)}`,
  Square: `sq0csp-${random(43)}`,
  'New Relic': `NRAK-${upper(27)}`,
  Readme: `rdme_${hex(70)}`,
  EasyPost: `EZAK${random(54)}`,
  Duffel: `duffel_live_${random(43)}`,
  Dynatrace: `dt0c01.${upper(24)}.${random(64, 'upper', 'b')}`,
  Infracost: `ico-${random(32)}`,
  Prefect: `pnu_${hex(36)}`,
  Shippo: `shippo_live_${hex(40)}`,
  Typeform: `tfp_${random(59)}`,
  Sourcegraph: `sgp_${hex(40)}`,
  'OpenShift user': `sha256~${random(43)}`,
  'Fly.io': `fo1_${random(43)}`,
  Artifactory: `AKCp${random(69)}`,
  'Azure client secret': `${random(3)}8Q~${random(34)}`,
  'Azure storage': `AccountKey=${random(86, 'base64')}==`,
  'Azure shared access signature': `https://a.blob.core.windows.net/b?sv=2024&sig=${random(43)}%3D`,
  'JSON Web Token': `eyJ${random(20)}.eyJ${random(40)}.${random(43)}`,
  'private key of age': `AGE-SECRET-KEY-1${upper(58)}`,
};

/** Credentials that only their name tells, as they are written for services without a format. */
const NAMED: Readonly<Record<string, string>> = {
  Datadog: `DD_API_KEY=${hex(32)}`,
  Okta: `OKTA_API_TOKEN=00${random(40)}`,
  Heroku: `HEROKU_API_KEY=${uuid('heroku')}`,
  Cohere: `COHERE_API_KEY=${random(40)}`,
  Mistral: `MISTRAL_API_KEY=${random(32)}`,
  xAI: `XAI_API_KEY=xai-${random(80)}`,
  OpenRouter: `OPENROUTER_API_KEY=sk-or-v1-${hex(64)}`,
  Replicate: `REPLICATE_API_TOKEN=r8_${random(37)}`,
  Snyk: `SNYK_TOKEN=${uuid('snyk')}`,
  Codecov: `CODECOV_TOKEN=${uuid('codecov')}`,
  'AWS secret': `AWS_SECRET_ACCESS_KEY=${random(40, 'base64')}`,
  Twilio: `TWILIO_AUTH_TOKEN=${hex(32)}`,
  Algolia: `ALGOLIA_ADMIN_API_KEY=${hex(32)}`,
  'Azure DevOps': `AZURE_DEVOPS_EXT_PAT_TOKEN=${upper(52).toLowerCase()}`,
  'with a version': `SESSION_SECRET_V2=${key}`,
  'key of encryption': `DATA_ENCRYPTION_KEY=${random(43, 'base64')}=`,
};

/** Where a password or key is written, by language or format: the path below the primitive, and the text. */
const PLACES: Readonly<Record<string, readonly [path: string, text: string]>> = {
  'env file': ['.env', `DB_PASSWORD=${password}\n`],
  'exported variable': ['.env.production', `# ours\r\nexport DB_PASSWORD="${password}"\r\n`],
  'env file of Compose': ['compose.env', `SECRET_KEY_BASE=${random(64)}\n`],
  'list of Compose': ['compose.yaml', `environment:\n  - DB_PASSWORD=${password}\n`],
  'map of Compose': ['compose.yaml', `environment:\n  POSTGRES_PASSWORD: ${password}\n`],
  'Helm values': ['values.yaml', `postgresql:\n  auth:\n    password: ${password}\n`],
  'pair of a container': ['deploy.yaml', `env:\n- name: DB_PASSWORD\n  value: ${password}\n`],
  'pair in JSON': ['task.json', `[{ "name": "DB_PASSWORD",\n  "value": "${password}" }]\n`],
  'short name': ['.env', `DB_PASS=${password}\n`],
  'other short name': ['.env', `MYSQL_PWD=${password}\n`],
  'short name in JSON': ['a.json', `{ "pwd": "${password}" }\n`],
  'short name in TypeScript': ['a.ts', `const smtp = { user: 'svc', pass: '${password}' };\n`],
  'anchor of YAML': ['a.yaml', `password: &db ${password}\n`],
  'tag of YAML': ['a.yaml', `password: !!str ${password}\n`],
  'line of YAML below its name': ['a.yaml', `password:\n  ${password}\n`],
  'role of SQL': ['a.sql', `CREATE ROLE svc LOGIN PASSWORD '${password}';\n`],
  'user of MySQL': ['a.sql', `CREATE USER 'svc'@'%' IDENTIFIED BY '${password}';\n`],
  'password of ssh': ['run.sh', `sshpass -p '${password}' ssh svc@acme.io\n`],
  'password of mysql': ['run.sh', `mysql -usvc -p${password} app\n`],
  'password of openssl': ['run.sh', `openssl rsa -in k.pem -passin pass:${password}\n`],
  'password of redis-cli': ['run.sh', `redis-cli -h cache.acme.io -a ${password} ping\n`],
  'password of htpasswd': ['run.sh', `htpasswd -bc users svc ${password}\n`],
  'input of a login': ['run.sh', `echo "${password}" | docker login --username svc --password-stdin\n`],
  'property of Java': ['run.sh', `java -Ddb.password=${password} -jar app.jar\n`],
  'configuration of Kafka': [
    'kafka.properties',
    `sasl.jaas.config=a.PlainLoginModule required username="svc" password="${password}";\n`,
  ],
  'block of YAML': ['a.yaml', `token: |-\n  ${key}\n`],
  'flow of YAML': ['a.yaml', `{ client_secret: ${key} }\n`],
  JSON: ['a.json', `{ "apiKey": "${key}" }\n`],
  'settings of .NET': ['appsettings.json', `{ "Smtp": { "Password": "${password}" } }\n`],
  TOML: ['a.toml', `[db]\npassword = "${password}"\n`],
  INI: ['a.ini', `[db]\npassword = ${password}\n`],
  'Java properties': ['app.properties', `spring.datasource.password=${password}\n`],
  'configuration of MySQL': ['my.cnf', `[client]\npassword=${password}\n`],
  'settings of Maven': ['settings.xml', `<server>\n  <password>${password}</password>\n</server>\n`],
  'settings of .NET in XML': ['web.config', `<add key="ApiKey" value="${key}" />\n`],
  Terraform: ['main.tf', `variable "db_password" {\n  default = "x"\n}\npassword = "${password}"\n`],
  'variables of Terraform': ['prod.tfvars', `db_password = "${password}"\n`],
  'ENV of a Dockerfile': ['Dockerfile.debug', `FROM scratch\nENV API_KEY=${key}\n`],
  'ARG of a Dockerfile': ['Dockerfile.debug', `FROM scratch\nARG SERVICE_TOKEN="${key}"\n`],
  'ENV with a space': ['build.dockerfile', `FROM scratch\nENV DB_PASSWORD ${password}\n`],
  'constant of Go': ['internal/a.go', `package internal\n\nconst apiKey = "${key}"\n`],
  'field of Go': ['internal/a.go', `package internal\n\nvar c = Config{ClientSecret: "${random(24)}"}\n`],
  'text of Go': ['internal/a.go', `package internal\n\nvar password = \`${password}\`\n`],
  'constant of TypeScript': ['a.ts', `export const API_KEY = '${key}';\n`],
  'property of JavaScript': ['a.js', `module.exports = { "client_secret": \`${key}\` };\n`],
  'attribute of JSX': ['a.tsx', `export const a = <Map accessToken="${key}" />;\n`],
  'constant of Python': ['a.py', `API_KEY = "${key}"\n`],
  'argument of Python': ['a.py', `client = Client(secret_key='${key}')\n`],
  'environment of Python': ['a.py', `os.environ["SERVICE_TOKEN"] = "${key}"\n`],
  'below its name': ['a.py', `SERVICE_TOKEN = (\n    "${key}"\n)\n`],
  Java: ['A.java', `class A { static final String API_KEY = "${key}"; }\n`],
  'export of a shell': ['run.sh', `export API_KEY=${key}\n`],
  'flag of a program': ['run.sh', `docker login --username svc --password ${password} ghcr.io\n`],
  'user of curl': ['run.sh', `curl -fsS -u svc:${password} https://acme.io\n`],
  'header of curl': ['run.sh', `curl -H "X-Api-Key: ${key}" https://acme.io\n`],
  'Bearer header': ['a.ts', `const headers = { Authorization: 'Bearer ${key}' };\n`],
  'Basic header': ['run.sh', `curl -H "Authorization: Basic ${base64(`svc:${password}`)}" https://acme.io\n`],
  Makefile: ['Makefile', `deploy:\n\tAPI_KEY="${key}" ./deploy\n`],
  Gradle: ['build.gradle', `signingPassword = "${password}"\n`],
  'workflow of GitHub': ['ci.yml', `env:\n  NPM_TOKEN: ${key}\n`],
  npmrc: ['.npmrc', `//registry.acme.io/:_authToken=${key}\n`],
  netrc: ['.netrc', `machine acme.io login svc password ${password}\n`],
  pypirc: ['.pypirc', `[acme]\nusername = svc\npassword = ${password}\n`],
  'credentials of git': ['.git-credentials', `https://svc:${password}@git.acme.io\n`],
  pgpass: ['.pgpass', `db.acme.io:5432:app:svc:${password}\n`],
  'login of Docker': [
    'config.json',
    `{ "auths": { "ghcr.io": { "auth": "${base64(`svc:${password}`)}" } } }\n`,
  ],
  'variables of Ansible': ['group_vars/all.yml', `db_password: ${password}\n`],
  notebook: ['a.ipynb', JSON.stringify({ cells: [{ cell_type: 'code', source: [`api_key = "${key}"\n`] }] })],
  'page of a manual': ['setup.md', `Put this into the file:\n\n    client_secret: ${key}\n`],
  'comment of code': ['internal/a.go', `package internal\n\n// apiKey = "${key}"\n`],
  'one long line': ['a.js', `var a="${'a;'.repeat(40_000)}",apiKey="${key}";\n`],
  'last of much text': ['a.txt', `${'line\n'.repeat(400_000)}token = "${key}"\n`],
};

/** Addresses and connection strings with a password. */
const ADDRESSES: Readonly<Record<string, string>> = {
  PostgreSQL: `postgres://app:${password}@db.acme.io:5432/app`,
  MySQL: `mysql://app:${password}@db.acme.io/app`,
  'MySQL of SQLAlchemy': `mysql+pymysql://app:${password}@db.acme.io/app`,
  'MySQL of Go': `svc:${password}@tcp(db.acme.io:3306)/orders?parseTime=true`,
  MongoDB: `mongodb+srv://svc:${password}@cluster0.acme.net/app`,
  Redis: `rediss://:${password}@cache.acme.io:6380/0`,
  AMQP: `amqps://svc:${password}@mq.acme.io/vhost`,
  SMTP: `smtps://svc:${password}@mail.acme.io:465`,
  HTTPS: `https://svc:${password}@api.acme.io/v1`,
  FTP: `ftp://svc:${password}@files.acme.io/`,
  libpq: `host=db.acme.io user=svc password=${password} dbname=app`,
  JDBC: `jdbc:postgresql://db.acme.io/app?user=svc&password=${password}`,
  'ADO.NET': `Server=sql.acme.io;Database=app;User Id=svc;Password=${password};`,
  'Service Bus': `Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=${random(43, 'base64')}=`,
};

const secret = (data: string) => `apiVersion: v1\nkind: Secret\nmetadata: { name: db }\n${data}\n`;
const dockerLogin = base64(`{"auths":{"ghcr.io":{"auth":"${base64(`svc:${password}`)}"}}}`);
const escaped = (character: string) => `\\x${character.charCodeAt(0).toString(16)}`;
const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le');

/** Private keys, keystores and manifests, and what hides a secret from who reads. */
const FILES: Readonly<Record<string, readonly [path: string, content: string | Uint8Array]>> = {
  'RSA key': ['key.pem', pem('RSA PRIVATE KEY')],
  'PKCS #8 key': ['key.pem', pem('PRIVATE KEY')],
  'EC key': ['key.pem', pem('EC PRIVATE KEY')],
  'DSA key': ['key.pem', pem('DSA PRIVATE KEY')],
  'OpenSSH key': ['deploy_key', pem('OPENSSH PRIVATE KEY')],
  'encrypted key': ['key.pem', pem('ENCRYPTED PRIVATE KEY')],
  'PGP key': ['key.asc', pem('PGP PRIVATE KEY BLOCK')],
  'key of cosign': ['cosign.key', pem('ENCRYPTED SIGSTORE PRIVATE KEY')],
  'key of PuTTY': [
    'key.ppk',
    `PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n${random(60, 'base64')}\n`,
  ],
  'key of SSH by its name': ['id_ed25519', random(200, 'base64')],
  'PKCS #12 store': ['store.p12', Uint8Array.from([0x30, 0, 1, 2])],
  'Java store': ['store.jks', Uint8Array.from([0xfe, 0xed, 0, 1])],
  'key in Go': ['internal/a.go', `package internal\n\nconst key = \`${pem('PRIVATE KEY')}\`\n`],
  'key in JSON': ['account.json', JSON.stringify({ private_key: pem('PRIVATE KEY') })],
  'key in YAML': ['a.yaml', `key: |\n${pem('EC PRIVATE KEY').replace(/^/gm, '  ')}`],
  'key in base64 of an env file': ['.env', `TLS_KEY=${base64(pem('PRIVATE KEY'))}\n`],
  'key in base64 in lines': ['a.txt', base64(pem('OPENSSH PRIVATE KEY')).replace(/.{76}/g, '$&\n')],
  'key of a kubeconfig': [
    'kubeconfig',
    `users:\n- user:\n    client-key-data: ${base64(pem('RSA PRIVATE KEY'))}\n`,
  ],
  'token of a kubeconfig': ['kubeconfig.yaml', `users:\n- user:\n    token: ${key}\n`],
  'key of a test': ['internal/testdata/key.pem', pem('RSA PRIVATE KEY')],
  'private JSON Web Key': ['jwk.json', `{ "kty": "EC", "crv": "P-256", "d": "${random(43)}" }\n`],
  'key of WireGuard': ['wg0.conf', `[Interface]\nPrivateKey = ${random(43, 'base64')}=\n`],
  'data of a Secret': ['secret.yaml', secret(`data: { password: ${base64(password)} }`)],
  'text of a Secret': ['secret.yaml', secret(`stringData:\n  password: ${password}`)],
  'weak password of a Secret': ['secret.yaml', secret(`data: { password: ${base64('hunter2!')} }`)],
  'settings in a Secret': [
    'secret.yaml',
    secret(`data: { app.env: ${base64(`DB_PASSWORD=${password}\n`)} }`),
  ],
  'object in a Secret': ['secret.yaml', secret(`stringData:\n  a: '{"password":"${password}"}'`)],
  'login in a Secret': ['pull.yaml', secret(`data: { .dockerconfigjson: ${dockerLogin} }`)],
  'Secret in a List': [
    'list.json',
    `{ "kind": "List", "items": [{ "kind": "Secret", "data": { "a": "${base64('hunter2!')}" } }] }\n`,
  ],
  'Secret of a chart': [
    'chart.yaml',
    `{{- if .Values.db }}\n${secret(`stringData:\n  password: ${password}`)}{{- end }}\n`,
  ],
  'text of Windows': ['utf-16le.env', utf16(`# Windows\r\nTOKEN=ghp_${random(36)}\r\n`)],
  'text in UTF-16, big end first': ['utf-16be.env', utf16(`TOKEN=ghp_${random(36)}\n`).swap16()],
  'text in UTF-16 without a mark': ['a.properties', utf16(`TOKEN=ghp_${random(36)}\n`).subarray(2)],
  'text in UTF-16 without a mark, big end first': [
    'a.txt',
    utf16(`ghp_${random(36)}\n`)
      .swap16()
      .subarray(2),
  ],
  'text with a NUL': ['.env', `\0\nDB_PASSWORD=${password}\n`],
  'escapes of JSON': ['a.json', `{ "a": "\\u0067hp_${random(36)}" }\n`],
  'escapes of JavaScript': ['a.ts', `export const a = 'g\\x68p_${random(36)}';\n`],
  'cookie of a session': ['a.http', `GET / HTTP/1.1\nCookie: lang=en; session=${key}\n`],
  'state of Terraform': [
    'terraform.tfstate',
    `{ "resources": [{ "type": "random_password", "instances": [{ "attributes": { "result": "${password}" } }] }] }\n`,
  ],
  'output of Terraform': [
    'terraform.tfstate',
    `{ "outputs": { "db": { "sensitive": true, "value": "${password}" } } }\n`,
  ],
  'environment of Postman': [
    'acme.postman_environment.json',
    `{ "values": [{ "key": "a", "value": "${password}", "type": "secret" }] }\n`,
  ],
  'Secret in jsonnet': ['a.jsonnet', `{ kind: 'Secret', stringData: { pin: '${password}' } }\n`],
  'Secret by a library of jsonnet': [
    'a.libsonnet',
    `{ a: k.secret.new('db', { pin: '${base64(password)}' }) }\n`,
  ],
  'token in a binary': ['a.bin', Buffer.concat([Buffer.from([0, 1, 2]), Buffer.from(` ghp_${random(36)} `)])],
  'token in base64': [
    'a.go',
    `package a\n\nvar pat = "${base64(`github_pat_${random(22)}_${random(59)}`)}"\n`,
  ],
  'token of a test': ['internal/a_test.go', `package internal\n\nvar t = "ghp_${random(36)}"\n`],
  'token in the name of a file': [`notes-ghp_${random(36)}.txt`, 'x\n'],
  'logins of a web server': ['.htpasswd', `svc:${password}\n`],
  'hashes of a web server': ['users.htpasswd', `svc:$apr1$${random(8)}$${random(22)}\n`],
  'hashes of a system': ['etc/shadow', `svc:$6$${random(16)}$${random(86)}:19000:0:99999:7:::\n`],
  'key in DER': ['server.key', Buffer.from('308204bd020100300d06092a864886f70d010101050004', 'hex')],
  'key of EC in DER': ['a.bin', Buffer.from('307702010104200000', 'hex')],
  'Java store under another name': ['store.bin', Uint8Array.from([0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2])],
  'store of KeePass': ['all.kdbx', Uint8Array.from([3, 0xd9, 0xa2, 0x9a, 0x67])],
  'Secret in a template of Helmfile': ['a.yaml.gotmpl', secret(`stringData:\n  db: ${password}`)],
  'Secret in a template of Jinja': ['a.yml.j2', secret(`stringData:\n  db: ${password}`)],
  'Secret that kustomize makes': [
    'kustomization.yaml',
    `secretGenerator:\n- name: db\n  literals:\n  - db=${password}\n`,
  ],
  'key of one-time passwords': ['a.txt', `otpauth://totp/acme:svc?secret=${upper(32)}&issuer=acme\n`],
  'token with a comment that would allow it': [
    'a.yaml',
    `token: ghp_${random(36)} # gitleaks:allow secretlint-disable-line\n`,
  ],
};

/** What nothing finds, and `docs/verify.md` says so. */
const HIDDEN: Readonly<Record<string, readonly [path: string, content: string, limit: string]>> = {
  'encoded twice': ['a.txt', base64(base64(`ghp_${random(36)}`)), TWICE],
  'split over lines': [
    'a.go',
    `package a\n\nvar t = "ghp_${random(12)}" +\n\t"${random(24, 'word', 'b')}"\n`,
    TWICE,
  ],
  compressed: ['a.txt', Buffer.from(base64(`H4sI${random(40, 'base64')}`)).toString(), TWICE],
  'password behind escapes': [
    'a.ts',
    `const a = { pw: '${[...password].map(escaped).join('')}' };\n`,
    BEHIND,
  ],
  'cookie of curl': ['a.sh', `curl -b 'session=${key}' https://acme.io\n`, COOKIES],
  'list of cookies': ['cookies.txt', `.acme.io\tTRUE\t/\tTRUE\t1799999999\tsession\t${key}\n`, COOKIES],
  'cookies of HAR': ['a.har', `{ "cookies": [{ "name": "session", "value": "${key}" }] }\n`, COOKIES],
  'Secret that a function of jsonnet makes': [
    'a.jsonnet',
    `local secret(value) = { kind: 'Secret', stringData: { pin: value } };\nsecret('${password}')\n`,
    JSONNET,
  ],
  'percents of an address': ['a.txt', `https://acme.io/?t=ghp%5F${random(36)}\n`, TWICE],
  'digits of base 16': ['a.txt', `${Buffer.from(`ghp_${random(36)}`).toString('hex')}\n`, TWICE],
  'in another row': ['a.csv', `user,password\nsvc,${password}\n`, AWAY],
  'a file by its name alone': ['config/master.key', `${hex(32)}\n`, AWAY],
  'an argument without a name': ['A.cs', `var c = new NetworkCredential("svc", "${password}");\n`, AWAY],
  'away from its name': ['a.ts', `export const [host, apiKey] = ['acme.io', '${key}'];\n`, AWAY],
  'words alone': ['a.yaml', 'password: correct-horse-battery\n', WORDS_ALONE],
};

const of = (group: string, all: Readonly<Record<string, readonly [string, string | Uint8Array, string?]>>) =>
  Object.entries(all).map(
    ([name, [path, content, limit]]): Seed => ({
      group: `secrets: ${group}`,
      name,
      families: ['SEC'],
      base,
      files: { [`${FOLDER}/${path}`]: content },
      ...(limit === undefined ? {} : { limit }),
    }),
  );
const each = (all: Readonly<Record<string, string>>, place: (value: string) => readonly [string, string]) =>
  Object.fromEntries(Object.entries(all).map(([name, value]) => [name, place(value)] as const));

/** Secrets of every format, in the files that people write them into. */
export const secretSeeds: readonly Seed[] = [
  ...of(
    'tokens of services',
    each(TOKENS, (value) => ['notes.txt', `see ${value} there\n`]),
  ),
  ...of(
    'credentials by their name',
    each(NAMED, (value) => ['.env', `${value}\n`]),
  ),
  ...of('places', PLACES),
  ...of(
    'addresses',
    each(ADDRESSES, (value) => ['a.ts', `export const url = '${value}';\n`]),
  ),
  ...of('keys and manifests', FILES),
  ...of('hidden', HIDDEN),
];
