"""Django's settings. What a person may set stands in memorychat/lib/environment.py and .env.example."""

import logging
from datetime import timedelta
from operator import attrgetter
from urllib.parse import urlsplit

import django_stubs_ext
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE

from memorychat import admin_look
from memorychat.lib import addresses, localpg
from memorychat.lib.environment import ROOT, prepare_data_dir, read_environment, secret_key
from memorychat.lib.logging import configuration

# Lets Django's generic classes be written with their types, `QuerySet[Memory]`, while the program runs too.
django_stubs_ext.monkeypatch()

environment = read_environment()

BASE_DIR = ROOT
DATA_DIR = environment.data_dir
prepare_data_dir(DATA_DIR)

DEBUG = environment.debug
PUBLIC_URL = environment.address
_public = urlsplit(PUBLIC_URL)
_encrypted = _public.scheme == "https"

SECRET_KEY = environment.secret_key.get_secret_value() if environment.secret_key else secret_key(DATA_DIR)
KEYS_FILE = environment.keys_file or DATA_DIR / "keys.json"

ALLOWED_HOSTS = [*environment.allowed_hosts, _public.hostname or "", "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [*environment.csrf_trusted_origins, PUBLIC_URL]
TRUSTED_PROXIES = environment.trusted_proxies

INSTALLED_APPS = [
    "daphne",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "channels",
    "csp",
    "django_htmx",
    "django_structlog",
    "ninja",
    "procrastinate.contrib.django",
    "memorychat",
    "accounts",
    "memories",
    "conversations",
    "webhooks",
]

MIDDLEWARE = [
    "memorychat.middleware.request_id",
    "django.middleware.security.SecurityMiddleware",
    "memorychat.middleware.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "memorychat.middleware.RequestLine",
    "memorychat.middleware.api_errors",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "memorychat.middleware.key_ring",
    "memorychat.middleware.person",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "memorychat.middleware.EngineRefusals",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
]

ROOT_URLCONF = "memorychat.urls"
ASGI_APPLICATION = "memorychat.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# One pool a process: a connection that outlives its request under ASGI belongs to a thread that may never come back.
_connections = {"pool": {"min_size": 1, "max_size": 20, "timeout": 10}, "prepare_threshold": 5}
DATABASES = {
    "default": (
        addresses.database(environment.database_url.get_secret_value(), **_connections)
        if environment.database_url
        else localpg.database(DATA_DIR, **_connections)
    )
    # Whether a connection of the pool lives is looked at by the engine.
    | {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = environment.redis_url.get_secret_value() if environment.redis_url else None
if REDIS_URL:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
    }
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

# Sign-in
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# A row calls itself by its id; mails and pages call people by their address.
ACCOUNT_USER_DISPLAY = attrgetter("email")
ACCOUNT_EMAIL_VERIFICATION = environment.email_verification
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _public.scheme
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "MemoryChat"
# Browsers themselves allow passkeys without TLS on this machine alone.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not _encrypted
USERSESSIONS_TRACK_ACTIVITY = True

# Mail
DEFAULT_FROM_EMAIL = f"MemoryChat <memorychat@{_public.hostname}>"
EMAIL_FILE_PATH = DATA_DIR / "mail"
if environment.email_url:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    globals().update(addresses.mail(environment.email_url.get_secret_value()))
else:
    EMAIL_BACKEND = "memorychat.lib.mail.FileBackend"

# What browsers are told to refuse
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        # No images from elsewhere: an answer's Markdown could carry a person's words away in an address.
        "img-src": [SELF, "data:"],
        "connect-src": [SELF, PUBLIC_URL.replace("http", "ws", 1)],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
# Django's admin in its newer dress evaluates attributes as code; the reader of the API's description starts inline.
LOOSER_POLICIES = {
    "/admin/": {"script-src": [UNSAFE_EVAL, UNSAFE_INLINE], "style-src": [UNSAFE_INLINE]},
    "/api/v1/docs": {"style-src": [UNSAFE_INLINE]},
    "/api/v1/redoc": {"script-src": [UNSAFE_INLINE], "style-src": [UNSAFE_INLINE], "worker-src": ["blob:"]},
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = int(timedelta(days=30).total_seconds())
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _encrypted
SECURE_SSL_REDIRECT = _encrypted and not DEBUG
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if _encrypted and not DEBUG else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
# The doors of load balancers, orchestrators and Prometheus, who ask without TLS.
SECURE_REDIRECT_EXEMPT = [r"^health(/live|/ready)?$", r"^metrics$"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

# Language and time
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# Static files
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / ".static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "memorychat.lib.staticfiles.HashedStaticFiles"},
}

# The admin's dress
UNFOLD = admin_look.UNFOLD

# Logs
LOGGING = configuration(level=environment.log_level, form=environment.log_format)
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
DJANGO_STRUCTLOG_USER_ID_FIELD = None
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO

# Metrics
METRICS_TOKEN = environment.metrics_token.get_secret_value() if environment.metrics_token else None
METRICS_HOST, WORKER_METRICS_PORT = environment.host, environment.worker_metrics_port

# Models
OPENAI_API_KEY = environment.openai_api_key.get_secret_value() if environment.openai_api_key else None
OPENAI_BASE_URL = environment.openai_base_url
OPENAI_MODEL = environment.openai_model
ANTHROPIC_API_KEY = environment.anthropic_api_key.get_secret_value() if environment.anthropic_api_key else None
ANTHROPIC_BASE_URL = environment.anthropic_base_url
ANTHROPIC_MODEL = environment.anthropic_model
LLM_PROVIDERS = environment.llm_providers
LOCAL_PROVIDERS = environment.local_providers
LLM_TEMPERATURE = environment.llm_temperature
LLM_MAX_TOKENS = environment.llm_max_tokens
LLM_TIMEOUT_SECONDS = environment.llm_timeout_seconds
LLM_HISTORY_TOKENS = environment.llm_history_tokens
LLM_PRICES = environment.llm_prices
LLM_TOKENS_PER_DAY = environment.llm_tokens_per_day
LLM_DOLLARS_PER_DAY = environment.llm_dollars_per_day
EMBEDDING_BASE_URL = environment.embedding_base_url
EMBEDDING_API_KEY = environment.embedding_api_key.get_secret_value() if environment.embedding_api_key else None
EMBEDDING_MODEL = environment.embedding_model
EMBEDDING_DIMENSIONS = environment.embedding_dimensions

# Memory
MEMORY_DUPLICATE_SAME = environment.memory_duplicate_same
MEMORY_DUPLICATE_NEAR = environment.memory_duplicate_near
MEMORY_CONFIDENCE_AUTO = environment.memory_confidence_auto
MEMORY_CONFIDENCE_ASK = environment.memory_confidence_ask
MEMORY_WRITES_PER_CONVERSATION = environment.memory_writes_per_conversation
MEMORY_WRITES_PER_HOUR = environment.memory_writes_per_hour
EPISODE_OWN_MESSAGES = environment.episode_own_messages
EPISODE_ALL_MESSAGES = environment.episode_all_messages
RATE_LIMIT_SCALE = environment.rate_limit_scale
# Of allauth's own limits that of new accounts alone, since a house or an office may have one address.
ACCOUNT_RATE_LIMITS = {"signup": f"{max(1, round(20 * RATE_LIMIT_SCALE))}/m/ip" if RATE_LIMIT_SCALE else None}

# Addresses are unique whatever their case, which this check does not see: a constraint on User says so.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
