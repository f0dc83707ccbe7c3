#!/bin/sh
# The API with nothing but curl. CWPROXY_URL and CWPROXY_API_KEY name another server and a key where one is needed.
set -eu
URL=${CWPROXY_URL:-http://127.0.0.1:3000}
KEY=${CWPROXY_API_KEY:-not-needed-on-loopback}
MODEL=${CWPROXY_MODEL:-auto}

echo "--- models"
curl -fsS "$URL/v1/models" -H "Authorization: Bearer $KEY"

echo; echo "--- one answer"
curl -fsS "$URL/v1/chat/completions" -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \
  -d '{"model": "'"$MODEL"'", "messages": [{"role": "user", "content": "Say hello in five words."}]}'

echo; echo "--- streamed (-N: show it as it comes)"
curl -fsSN "$URL/v1/chat/completions" -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \
  -d '{"model": "'"$MODEL"'", "stream": true, "messages": [{"role": "user", "content": "Count to three."}]}'
