#!/bin/bash
# Who may enroll: users, invitations, serial numbers, an open door; the pages
# that ask, and what hostile hands try with them.
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 pki

make_server
start_relay
E=$M/orgs/acme/enrollment
mkdir "$E" "$E/invitations" "$M/orgs/acme/users"

# hash PASSWORD: as mkpasswd prints it.
hash()
{
	openssl passwd -6 "$1"
}

# user NAME PASSWORD
user()
{
	mkdir "$M/orgs/acme/users/$1" &&
	hash "$2" >"$M/orgs/acme/users/$1/password"
}

# enroll_with CURL OPTION...: a POST of a script.  CODE, $T/answer.
enroll_with()
{
	CODE=$(fetch /enroll/acme -o "$T/answer" -D "$T/head" \
		-w '%{http_code}' "$@")
}

# page_value NAME KEY: of an invitation's page.
page_value()
{
	sed -n "s/^$2: //p" "$M/status/orgs/acme/invitations/$1"
}

# its_challenge FILE
its_challenge()
{
	plist "$1" \
	    'payload("com.apple.security.scep")["PayloadContent"]["Challenge"]'
}

# refused_for FILE TEXT...: what writing it says.
refused_for()
{
	r_file=$1
	shift
	printf '%s\n' "$@" 2>/dev/null >"$r_file" && echo 'it was taken'
	cat "$M/status/last-error"
}

# ---- passwords ---------------------------------------------------------------

mkdir "$M/orgs/acme/users/alice@acme.example"
U=$M/orgs/acme/users/alice@acme.example
like "$(refused_for "$U/password" 'correct horse')" \
	'plain password.*mkpasswd -m yescrypt' \
	'a plain password is refused with the command that helps'
fails 'it is not kept' test -e "$U/password"
like "$(refused_for "$U/password" '$1$6XC.nXCx$XhIRvzkkgZIwFeP8A2SP6/')" \
	'too weak|not taken' 'MD5 is too weak'
like "$(refused_for "$U/password" '$6$abcdefgh$tooshort')" \
	'cut off or damaged' 'a hash that was cut off'
like "$(refused_for "$U/password" '$6$rounds=900000000$abcdefgh$x')" \
	'cost is not taken' 'one that takes minutes'
like "$(refused_for "$U/password" "$(hash a)" "$(hash b)")" \
	'more than one line' 'two of them'
works 'a hash is taken' eval 'hash "correct horse" >"$U/password"'
works 'and the name of the person' eval 'echo "Alice Ånström" >"$U/full-name"'
is "$(stat -c %a "$U/password")" 644 'its mode is as it was given'
fails 'but nobody else can read it' setpriv --reuid 1234 --clear-groups \
	cat "$U/password"
mkdir "$M/orgs/acme/users/yes"
echo '$y$j9T$A8lEngguSo85f8z8ufpZe0$yQPseGCYkQUOQU3.ONZ30Me.J6Ft.PuXy33vzd7oTmC' \
	>"$M/orgs/acme/users/yes/password"
is $? 0 'yescrypt is taken'

# ---- a password opens the door -----------------------------------------------

enroll_with
is "$CODE" 403 'a script that sends nothing is refused'
like "$(cat "$T/answer")" 'not open to everybody' 'in words'
enroll_with -d user=alice@acme.example --data-urlencode 'password=correct horse'
is "$CODE" 200 'user and password get the profile'
like "$(cat "$T/head")" 'application/x-apple-aspen-config' 'of its type'
like "$(cat "$T/head")" '[Cc]ache-[Cc]ontrol: no-store' \
	'that nobody keeps'
is "$(plist "$T/answer" 'p["PayloadType"]')" Configuration 'it is one'
like "$(cat "$M/events")" \
	'enroll: admitted by the password of user alice@acme.example, from' \
	'the event says who'
works 'its challenge is good' scep ALICE acme "$(its_challenge "$T/answer")"
authenticate ALICE acme
is "$STATUS" 200 'and the device enrolls'
like "$(cat "$M/devices/ALICE/status")" \
	'^admitted-by: the password of user alice@acme.example$' \
	'its page says by what'
like "$(cat "$M/devices/ALICE/status")" '^user: alice@acme.example$' 'and whose'
enroll_with -d user=alice@acme.example -d password=wrong
wrong=$(cat "$T/answer")
is "$CODE" 403 'a wrong password'
enroll_with -d user=nobody@acme.example -d password=wrong
is "$CODE $(cat "$T/answer")" "403 $wrong" \
	'is refused in the same words as a name that is not known'
like "$(cat "$M/events")" 'enroll: refused, user alice@acme.example, from' \
	'an event each'
like "$(cat "$M/events")" 'enroll: refused, user \(not known\), from' \
	'without what was typed when it is no name'
enroll_with -d user=alice@acme.example -d password=
is "$CODE" 400 'no password'
enroll_with -d user=alice@acme.example%00 --data-urlencode \
	'password=correct horse'
is "$CODE" 400 'a NUL in a name'
enroll_with -d user=../alice --data-urlencode 'password=correct horse'
is "$CODE" 403 'a path'
enroll_with -d "user=$(printf 'a%.0s' {1..3000})" -d password=x
is "$CODE" 403 'a name that is too long for one'
enroll_with -d user=alice@acme.example -d "password=$(printf 'a%.0s' {1..3000})"
is "$CODE" 403 'a password that is too long for one'
enroll_with -d "user=$(printf 'a%.0s' {1..9000})"
is "$CODE" 413 'more than a form holds'
wait_until 'grep -q "POST /enroll/acme from .* refused unread, 413: it is longer" \
	"$M/events"' 60
ok $? 'which is an event'
for i in 1 2 3 4 5 6 7 8 9 10 11; do
	enroll_with -d user=yes -d "password=$i"
done
is "$CODE" 429 'whoever guesses is told to wait'
like "$(cat "$T/head")" '[Rr]etry-[Aa]fter: 60' 'for how long'
enroll_with -d user=alice@acme.example --data-urlencode 'password=correct horse'
is "$CODE" 200 'others are not'
for i in 1 2 3 4 5 6 7 8 9 10 11; do
	enroll_with -d user=unknown -d "password=$i"
done
is "$CODE" 429 'for a name that is not known just so'

# ---- the page ----------------------------------------------------------------

browser=(-H 'Accept: text/html' -H "Origin: https://$HOST:$PORT"
	-H 'Sec-Fetch-Site: same-origin' -b "$T/jar" -c "$T/jar")
get_page()
{
	: >"$T/jar"
	enroll_with "${browser[@]}" "$@"
	FORM=$(sed -n 's/.*name="form" value="\([0-9a-f]*\)".*/\1/p' \
		"$T/answer" | head -n 1)
}
echo 'Acme & Söhne <Ltd.>' >"$M/orgs/acme/name"
get_page
is "$CODE" 200 'a browser is shown a form'
like "$(cat "$T/head")" "default-src 'none'" 'that loads nothing'
like "$(cat "$T/head")" 'SameSite=Strict' 'with a cookie for this site alone'
like "$(cat "$T/answer")" 'Acme &amp; Söhne &lt;Ltd\.&gt;' 'names are escaped'
fails 'no script is in it' grep -qi '<script' "$T/answer"
login=(-d user=alice@acme.example --data-urlencode 'password=correct horse')
enroll_with "${browser[@]}" "${login[@]}" -d "form=$FORM"
is "$CODE" 200 'the form that comes back gets the profile'
enroll_with "${browser[@]}" "${login[@]}"
is "$CODE" 403 'without its token it does not'
like "$(cat "$T/answer")" 'did not come from this page' 'which the page says'
get_page
enroll_with "${browser[@]}" "${login[@]}" -d "form=${FORM%?}0"
first=$CODE
enroll_with "${browser[@]}" "${login[@]}" -d "form=${FORM%?}1"
like "$first $CODE" 403 'an altered token'
enroll_with -H 'Origin: https://evil.example' -H 'Accept: text/html' \
	"${login[@]}" -d "form=$FORM"
is "$CODE" 403 'the token without the cookie'
: >"$T/jar2"
fetch /enroll/acme -o /dev/null "${browser[@]:0:6}" -c "$T/jar2"
enroll_with "${browser[@]:0:6}" -b "$T/jar2" "${login[@]}" -d "form=$FORM"
is "$CODE" 403 'or with the cookie of another page'
make_org umbrella
mkdir "$M/orgs/umbrella/users" "$M/orgs/umbrella/users/bob"
hash secret >"$M/orgs/umbrella/users/bob/password"
get_page
is "$(fetch /enroll/umbrella "${browser[@]}" -d user=bob -d password=secret \
	-d "form=$FORM" -o /dev/null -w '%{http_code}')" 403 \
	'the token is for one organization'
get_page
enroll_with "${browser[@]}" -d "user=<b>\"x" -d password=y -d "form=$FORM"
is "$CODE" 403 'a wrong name'
like "$(cat "$T/answer")" 'value="&lt;b&gt;&quot;x"' 'is shown again, escaped'
fails 'the password is not' grep -q 'value="y"' "$T/answer"

# ---- invitations -------------------------------------------------------------

works 'an empty file is an invitation' eval ': >"$E/invitations/guest"'
link=$(page_value guest link)
code=$(page_value guest code)
like "$link" "^https://$HOST:$PORT/enroll/acme\?invitation=[A-Z2-9]{26}\$" \
	'its link is in status/'
is "$(stat -c '%a' "$M/status/orgs/acme/invitations/guest")" 400 \
	'for the owner alone'
fails 'others cannot even list them' setpriv --reuid 1234 --clear-groups \
	ls "$M/status/orgs/acme/invitations"
is "$(ls "$M/status/orgs/acme/invitations")" guest 'they are listed'
chown 1234 "$M/orgs/acme"
is "$(setpriv --reuid 1234 --clear-groups \
	sed -n 's/^code: //p' "$M/status/orgs/acme/invitations/guest")" "$code" \
	'by who owns the organization as well'
chown 0 "$M/orgs/acme"
is "$(page_value guest state) $(page_value guest uses)" 'good 0 of 1' \
	'it is good once'
days=$((($(date -d "$(page_value guest ends)" +%s) - $(date +%s) + 3600) / 86400))
is "$days" 7 'for a week'
get_page -G -d "invitation=$code"
is "$CODE" 200 'who follows the link sees a form'
like "$(cat "$T/answer")" "value=\"$code\"" 'with the code in it'
is "$(page_value guest uses)" '0 of 1' 'which uses nothing up'
enroll_with "${browser[@]}" -d "invitation=$code" -d "form=$FORM"
is "$CODE" 200 'the button gets the profile'
cp "$T/answer" "$T/guest.profile"
is "$(page_value guest state) $(page_value guest uses)" 'used 1 of 1' \
	'then it is used'
like "$(page_value guest used)" '^20.* from 127' 'when and from where'
enroll_with -d "invitation=$code"
is "$CODE" 403 'a second time'
like "$(cat "$T/answer")" 'used already' 'it is refused, and why'
works 'the device gets its certificate' scep GUEST acme \
	"$(its_challenge "$T/guest.profile")"
authenticate GUEST acme
is "$STATUS" 200 'it enrolls'
like "$(page_value guest device)" '^GUEST 20' 'and the page names it'
enroll_with -d invitation=ABCDEFGHJKLMNPQRSTUVWXYZ23
is "$CODE" 403 'a code that was made up'
fetch /enroll/umbrella -o "$T/answer" -d "invitation=$code" -w '%{http_code}' \
	>"$T/out"
is "$(cat "$T/out")" 403 'an invitation to somewhere else'
printf 'user: carol\nnote: for her tablet\nuses: 2\nends: 3\n' \
	>"$E/invitations/carol"
code=$(page_value carol code)
lower=$(echo "$code" | tr A-Z a-z | sed 's/..../& /g')
enroll_with --data-urlencode "invitation=$lower"
is "$CODE" 200 'typed in another way it is the same'
like "$(tail -n 1 "$M/events")" 'admitted by invitation carol for carol' \
	'the event says for whom'
sed -i 's/uses: 2/uses: 3/' "$E/invitations/carol"
is "$(page_value carol uses) $(page_value carol code)" "1 of 3 $code" \
	'an edited one keeps its code and its uses'
for i in 1 2 3 4 5 6; do
	fetch /enroll/acme -d "invitation=$code" -o /dev/null \
		-w '%{http_code}\n' &
done >"$T/race"
wait_until '[ "$(wc -l <"$T/race")" = 6 ]'
is "$(grep -c 200 "$T/race") $(grep -c 403 "$T/race")" '2 4' \
	'six at once share the two uses that are left'
echo 'ends: 2020-01-01T00:00:00Z' >"$E/invitations/old"
is "$(page_value old state)" ended 'one that has ended says so'
enroll_with -d "invitation=$(page_value old code)"
is "$CODE" 403 'and opens nothing'
like "$(cat "$T/answer")" 'has ended' 'which is said'
: >"$E/invitations/gone"
code=$(page_value gone code)
rm "$E/invitations/gone"
enroll_with -d "invitation=$code"
is "$CODE" 403 'rm ends one at once'
like "$(refused_for "$E/invitations/bad" 'usr: x')" \
	'line 1: "usr" is not known' 'a wrong key is named'
like "$(refused_for "$E/invitations/bad" 'ends: soon')" \
	'ends: "soon" is neither' 'a wrong end'
like "$(refused_for "$E/invitations/bad" 'uses: 0')" 'from 1 to 1000' \
	'a number of uses that is none'
echo "serial: SMINE" >"$E/invitations/mine"
enroll_with -d "invitation=$(page_value mine code)"
works 'an invitation for one device' scep OTHER acme \
	"$(its_challenge "$T/answer")"
authenticate OTHER acme
is "$STATUS" 400 'is of no use to another one'
fails 'which is not kept' test -e "$M/devices/OTHER"
like "$(tail -n 2 "$M/events")" 'OTHER authenticate refused: invitation mine' \
	'and the event says why'
say OTHER acme "$(dict "$(str MessageType Authenticate)$(str Topic \
	"$TOPIC")$(ids MINE)$(str SerialNumber Smine)")"
is "$STATUS" 200 'the one that it is for enrolls'

# ---- the list of serial numbers ----------------------------------------------

like "$(refused_for "$E/serials" 'C02 X')" 'line 1 is no serial number' \
	'a list that is none'
printf '# laptops\nSLISTED # of Dora\n' >"$E/serials"
: >"$E/open"
enroll_with
is "$CODE" 200 'an open door gives the profile at once'
works 'with a certificate' scep LISTED acme "$(its_challenge "$T/answer")"
authenticate LISTED acme
is "$STATUS" 200 'a device on the list enrolls'
enroll_with
scep STRANGER acme "$(its_challenge "$T/answer")"
authenticate STRANGER acme
is "$STATUS" 400 'another one does not'
fails 'and leaves nothing' test -e "$M/devices/STRANGER"
like "$(cat "$M/events")" 'STRANGER authenticate refused: its serial number SSTRANGER is not in enrollment/serials' \
	'but an event'
scep FILED acme "$(challenge acme)"
authenticate FILED acme
is "$STATUS" 400 'this goes for the profile in status/, too'
enroll_with -d user=alice@acme.example --data-urlencode 'password=correct horse'
scep FRIEND acme "$(its_challenge "$T/answer")"
authenticate FRIEND acme
is "$STATUS" 200 'who has a password needs no list'
authenticate LISTED acme
is "$STATUS" 200 'who is in stays in'
rm "$E/serials"
soon 'authenticate FILED acme; [ "$STATUS" = 200 ]' \
	'without the list anybody may'
get_page
is "$CODE" 200 'an open door asks a browser nothing either'
is "$(plist "$T/answer" 'p["PayloadType"]')" Configuration 'it has the profile'
rm "$E/open"

# ---- the way there -----------------------------------------------------------

like "$(refused_for "$E/domains" 'a@acme.example')" 'is no mail domain' \
	'an address is no domain'
printf 'acme.example\nacme.test\n' >"$E/domains"
mkdir "$M/orgs/umbrella/enrollment"
is "$(errno_of write "$M/orgs/umbrella/enrollment/domains" 'ACME.test')" \
	ENOTUNIQ 'a domain belongs to one organization'
like "$(cat "$M/status/last-error")" \
	"ACME.test is another organization's already" 'which is named'
where()
{
	fetch "/?$1" -o "$T/answer" -w '%{http_code} %{redirect_url}'
}
is "$(where mail=x@Acme.Example)" "303 https://$HOST:$PORT/enroll/acme" \
	'/ finds the organization by a mail address'
is "$(where org=umbrella)" "303 https://$HOST:$PORT/enroll/umbrella" 'or name'
is "$(where mail=x@other.example)" '404 ' 'an unknown domain'
is "$(where mail=nobody)" '400 ' 'no address'
is "$(fetch / -H 'Accept: text/html' -o "$T/answer" -w '%{http_code}')" 200 \
	'else it asks'
like "$(cat "$T/answer")" 'name="mail"' 'for the address'
rm -r "$M/orgs/acme/users/alice@acme.example"
enroll_with -d user=alice@acme.example --data-urlencode 'password=correct horse'
is "$CODE" 403 'a user who was removed'
is "$(fetch /enroll/acme -X PUT -o "$T/answer" -w '%{http_code}')" 405 \
	'other methods'

done_testing
