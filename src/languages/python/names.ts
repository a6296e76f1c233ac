/** Standard library of Python 3.8 to 3.14, by first name. */
export const STANDARD: ReadonlySet<string> = new Set(
  `__future__ __main__ _thread abc aifc annotationlib antigravity argparse array ast asynchat asyncio asyncore atexit audioop
  base64 bdb binascii binhex bisect builtins bz2 cProfile calendar cgi cgitb chunk cmath cmd code codecs codeop collections
  colorsys compileall compression concurrent configparser contextlib contextvars copy copyreg crypt csv ctypes curses
  dataclasses datetime dbm decimal difflib dis distutils doctest email encodings ensurepip enum errno faulthandler fcntl
  filecmp fileinput fnmatch formatter fractions ftplib functools gc genericpath getopt getpass gettext glob graphlib grp gzip
  hashlib heapq hmac html http idlelib imaplib imghdr imp importlib inspect io ipaddress itertools json keyword lib2to3
  linecache locale logging lzma mailbox mailcap marshal math mimetypes mmap modulefinder msilib msvcrt multiprocessing netrc
  nis nntplib nt ntpath nturl2path numbers opcode operator optparse os ossaudiodev parser pathlib pdb pickle pickletools pipes
  pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc pydoc_data pyexpat
  queue quopri random re readline reprlib resource rlcompleter runpy sched secrets select selectors shelve shlex shutil signal
  site sitecustomize smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre_compile sre_constants sre_parse ssl stat
  statistics string stringprep struct subprocess sunau symbol symtable sys sysconfig syslog tabnanny tarfile telnetlib tempfile
  termios test textwrap this threading time timeit tkinter token tokenize tomllib trace traceback tracemalloc tty turtle
  turtledemo types typing unicodedata unittest urllib usercustomize uu uuid venv warnings wave weakref webbrowser winreg
  winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo`.split(/\s+/),
);

/** First names that many distributions share: `google.cloud.storage` is of `google-cloud-storage`. */
export const NAMESPACES: ReadonlySet<string> = new Set(
  'google azure opentelemetry zope sphinxcontrib ruamel jaraco backports aws_cdk mypy_boto3 logfire'.split(
    ' ',
  ),
);

/** Modules whose distribution is called otherwise. */
export const DISTRIBUTIONS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  `Crypto=pycryptodome,pycrypto Cryptodome=pycryptodomex IPython=ipython Levenshtein=levenshtein,python-levenshtein
  ag_ui=ag-ui-protocol MySQLdb=mysqlclient OpenSSL=pyopenssl PIL=pillow,pillow-simd Xlib=python-xlib _cffi_backend=cffi _pytest=pytest
  _yaml=pyyaml absl=absl-py aioboto3=aioboto3 alembic=alembic antlr4=antlr4-python3-runtime apscheduler=apscheduler
  arango=python-arango argon2=argon2-cffi attr=attrs attrs=attrs bs4=beautifulsoup4 bson=pymongo cassandra=cassandra-driver,scylla-driver
  clickhouse_driver=clickhouse-driver clickhouse_connect=clickhouse-connect confluent_kafka=confluent-kafka
  couchbase=couchbase cv2=opencv-python,opencv-python-headless,opencv-contrib-python dateutil=python-dateutil
  debugpy=debugpy decouple=python-decouple discord=discord-py docx=python-docx dns=dnspython dotenv=python-dotenv
  ecdsa=ecdsa engineio=python-engineio etcd3=etcd3,etcd3-py faiss=faiss-cpu,faiss-gpu fitz=pymupdf flask_cors=flask-cors
  flask_login=flask-login flask_sqlalchemy=flask-sqlalchemy fuzzywuzzy=fuzzywuzzy gi=pygobject git=gitpython github=pygithub
  gitlab=python-gitlab grpc=grpcio grpc_tools=grpcio-tools grpc_health=grpcio-health-checking
  grpc_reflection=grpcio-reflection grpc_status=grpcio-status grpc_channelz=grpcio-channelz grpc_testing=grpcio-testing
  hvac=hvac ibm_db=ibm-db jose=python-jose jwt=pyjwt kafka=kafka-python,kafka-python-ng kubernetes=kubernetes
  ldap=python-ldap ldap3=ldap3 lxml=lxml magic=python-magic markdown=markdown memcache=python-memcached
  more_itertools=more-itertools mysql=mysql-connector-python nacl=pynacl nats=nats-py neo4j=neo4j netaddr=netaddr
  ntlm_auth=ntlm-auth openapi_client=openapi-client oracledb=oracledb paho=paho-mqtt peewee=peewee pika=pika
  pkg_resources=setuptools playhouse=peewee pptx=python-pptx psycopg=psycopg,psycopg-binary psycopg_pool=psycopg-pool
  psycopg2=psycopg2,psycopg2-binary pulsar=pulsar-client pymysql=pymysql pynvml=nvidia-ml-py,pynvml pyodbc=pyodbc
  pysnmp=pysnmp pythoncom=pywin32 pythonjsonlogger=python-json-logger pytz=pytz qdrant_client=qdrant-client
  redis=redis rest_framework=djangorestframework rediscluster=redis-py-cluster s3fs=s3fs sentry_sdk=sentry-sdk serial=pyserial
  setuptools=setuptools shapely=shapely skimage=scikit-image sklearn=scikit-learn slack_sdk=slack-sdk slugify=python-slugify
  snappy=python-snappy snowflake=snowflake-connector-python,snowflake-sqlalchemy socketio=python-socketio sqlalchemy=sqlalchemy
  sqlmodel=sqlmodel starlette=starlette,fastapi stdnum=python-stdnum telegram=python-telegram-bot tensorflow=tensorflow,tensorflow-cpu
  toml=toml tortoise=tortoise-orm trino=trino typing_extensions=typing-extensions usb=pyusb uvicorn=uvicorn vertica_python=vertica-python
  websocket=websocket-client werkzeug=werkzeug,flask win32api=pywin32 win32con=pywin32 wx=wxpython yaml=pyyaml zmq=pyzmq
  google.protobuf=protobuf google.auth=google-auth google.oauth2=google-auth google.rpc=googleapis-common-protos
  google.api=googleapis-common-protos google.genai=google-genai google.generativeai=google-generativeai google.adk=google-adk
  google.api_core=google-api-core google.type=googleapis-common-protos googleapiclient=google-api-python-client
  opentelemetry.proto=opentelemetry-proto requests=requests numpy=numpy pandas=pandas flask=flask django=django
  fastapi=fastapi httpx=httpx aiohttp=aiohttp pydantic=pydantic boto3=boto3 botocore=botocore pymongo=pymongo
  motor=motor asyncpg=asyncpg aiomysql=aiomysql aiosqlite=aiosqlite aiokafka=aiokafka aio_pika=aio-pika celery=celery
  elasticsearch=elasticsearch opensearchpy=opensearch-py pymssql=pymssql psutil=psutil urllib3=urllib3 jinja2=jinja2 click=click
  docker=docker paramiko=paramiko tornado=tornado twisted=twisted scrapy=scrapy`
    .split(/\s+/)
    .map((entry): readonly [string, readonly string[]] => {
      const [module = '', names = ''] = entry.split('=');
      return [module, names.split(',')];
    }),
);
