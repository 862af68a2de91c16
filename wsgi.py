"""The application as gunicorn asks for it: `gunicorn -c exchange/web/gunicorn_conf.py wsgi:app`."""

from config.settings import load_settings
from exchange.app import create_app
from exchange.journal import start_journal

start_journal()
app = create_app(load_settings())
