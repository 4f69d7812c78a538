#!/bin/sh
# "Our hosts have certificates of our own CA; the list of peers names them, and
# a certificate that the CA took back is out."
command -v openssl >/dev/null || {
	echo 'the command openssl is not installed' >&2
	exit 77
}
. "$(dirname "$0")/server_lib.sh"
PROBE_CA=$work/ca/ca.pem
export PROBE_CA

ssl() {
	(cd "$work/ca" && openssl "$@" >>"$work/openssl.log" 2>&1) ||
		fail "openssl $1"
}

# issue FOLDER NAME EXTENSION: a key and certificate of the CA
issue() {
	mkdir -p "$work/$1"
	ssl req -new -newkey ed25519 -nodes -subj "/CN=$2" \
	    -keyout "$work/$1/key.pem" -out request.pem
	printf '%s\n' "$3" >"$work/ca/ext"
	ssl ca -batch -config ca.conf -in request.pem \
	    -out "$work/$1/cert.pem" -extfile ext -notext
	chmod 600 "$work/$1/key.pem"
}

mkdir "$work/ca" "$work/home"
: >"$work/ca/index"
echo 01 >"$work/ca/serial"
echo 01 >"$work/ca/crlnumber"
cat >"$work/ca/ca.conf" <<'CONF'
[ca]
default_ca = own
[own]
database = index
serial = serial
crlnumber = crlnumber
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = default
default_days = 2
default_crl_days = 2
policy = any
[any]
commonName = supplied
CONF
ssl req -x509 -newkey ed25519 -nodes -subj /CN=Test-CA -days 2 \
    -keyout ca.key -out ca.pem
issue server server 'subjectAltName = IP:127.0.0.1
extendedKeyUsage = serverAuth'
issue laptop laptop 'extendedKeyUsage = clientAuth'
issue desk ignored 'subjectAltName = DNS:desk.example.org'
issue stolen stolen 'extendedKeyUsage = clientAuth'
ssl ca -config ca.conf -revoke "$work/stolen/cert.pem"
ssl ca -config ca.conf -gencrl -out crl.pem
cat >"$work/server/peers" <<'PEERS'
cn=laptop user=alice access=read-write name=laptop
cn=desk.example.org user=alice access=append
cn=stolen user=alice access=read
PEERS

step 'the server starts with the CA'
start_with -o single_user=yes -o "ssl_ca=$work/ca/ca.pem" \
    -o "ssl_crl=$work/ca/crl.pem"

step 'names of certificates are let in'
client laptop connect "alice@$place"
says '^accepted$'
client desk connect "alice@$place"
says '^accepted$'
client laptop connect "bob@$place"
says 'may not act for the user bob'

step 'a name that is not listed is not'
issue guest guest 'extendedKeyUsage = clientAuth'
client guest connect "alice@$place"
says 'does not accept the CA or the name'
refused unknown_name

step 'a certificate that was taken back is out'
client stolen connect "alice@$place"
says 'is revoked'
refused revoked

step 'a certificate of nobody'"'"'s is refused'
mkdir "$work/thief"
DSYNC_CONFIG_DIR=$work/thief "$probe" key >"$work/out" 2>&1
client thief connect "alice@$place"
says 'does not accept the CA or the name'
refused wrong_ca

if getent hosts localhost >/dev/null; then
	step 'the server must have the name that we called'
	client laptop connect "alice@localhost:${place##*:}"
	says 'certificate of localhost:.* is refused: hostname mismatch'
fi

step 'there is no enrolment beside a CA'
DSYNC_CONFIG_DIR=$work/server "$server_program" -o "ssl_ca=$work/ca/ca.pem" \
    -o single_user=yes token --user alice >"$work/out" 2>&1 &&
	fail 'a token is made'
says 'no enrolment'

step 'a new list counts after SIGHUP'
ssl ca -config ca.conf -revoke "$work/laptop/cert.pem"
ssl ca -config ca.conf -gencrl -out crl.pem
kill -HUP "$server_pid"
wait_until 20 sh -c "[ \$(grep -c 'key loaded' '$work/server.log') = 2 ]" ||
	fail 'nothing was read again'
client laptop connect "alice@$place"
says 'is revoked'
client desk connect "alice@$place"
says '^accepted$'

stop
exit 0
