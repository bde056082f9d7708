#!/bin/sh
# Makes certificate.pem and key.pem here, signed by nobody but themselves: to try this out. Then take a real one.
set -eu
cd "$(dirname "$0")"
umask 077
openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj "/CN=submit.example.org" \
  -addext "subjectAltName=DNS:submit.example.org,DNS:localhost,IP:127.0.0.1" -keyout key.pem -out certificate.pem 2>/dev/null
