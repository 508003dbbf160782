'use strict';
/*
 * pushd.js - a push service as strict as Apple's, for tests.
 *
 *   node tests/system/pushd.js --cert SERVER.pem --key SERVER.key
 *       [--port 0] [--control 0] [--host localhost] [--log PUSHES]
 *       [--client-ca CA.pem] [--streams N] [--no-h2]
 *
 * prints "port N" and "control N", one a line, when it serves, and then
 * nothing.  The server certificate must be for localhost; give its CA to
 * mdmfs: --apns https://localhost:N --apns-trust ca.pem.  With --client-ca,
 * push certificates must come from that CA (403 BadCertificate else).
 * It ends with SIGTERM, or when its standard input ends and --stdin is given.
 *
 * What Apple refuses is refused: another path than /3/device/ and 40 to 200
 * lower-case hex digits, another method than POST, no client certificate
 * (403 MissingProviderToken), an apns-topic that is not the certificate's
 * UID, apns-push-type other than mdm, apns-priority other than 5 and 10, an
 * apns-expiration that is no integer, a body that is not exactly
 * {"mdm":"..."}.
 *
 * --log: one line of JSON for each answered push, written before the answer:
 *   {"token":"..","magic":"..","topic":"..","expiration":1,"priority":10,
 *    "connection":1,"stream":1,"indexed":false,"status":200,"reason":""}
 * connection counts from 1; indexed: the path was put in HPACK's table.
 *
 * Without --control's help, tokens that begin so (hex) are answered so:
 *   000000000000         400 BadDeviceToken
 *   dead0400             400 BadDeviceToken
 *   dead0401             400 DeviceTokenNotForTopic
 *   dead0403             403 BadCertificate
 *   dead0410             410 Unregistered, timestamp 1700000000000
 *   dead0429 dead0500 dead0503
 *   dead0001             the first time: RST_STREAM REFUSED_STREAM
 *   dead0002             the first time: GOAWAY, this one not processed
 *   dead0003             the first time: the connection is dropped
 *   dead0004             after 300 ms
 *   dead0005             never
 *
 * The control port speaks HTTP/1.1:
 *   POST /next   a rule, or a list of them, for pushes to come:
 *     {"action":"answer",            answer refuse goaway drop never reset
 *      "status":410,"reason":"..","timestamp":MS,   answer's; body: as it is
 *      "debug":"{\"reason\":\"..\"}",               goaway's
 *      "token":"hex prefix","count":1,"skip":0,"delay":MS}
 *     It holds for count pushes (-1: for ever), after skip ones.
 *     First come, first served, before the tokens above.
 *   POST /clear               forget the rules
 *   POST /streams {"max":N}   SETTINGS_MAX_CONCURRENT_STREAMS, everywhere
 *   POST /goaway {"debug":".."}   GOAWAY on all connections, all processed
 *   POST /drop                drop all connections
 *   GET /stats   {"connections":all so far,"open":N,"pushes":N,
 *                 "statuses":{"200":N},"most":streams at once on one,
 *                 "pings":N,"refused":N}
 */
const fs = require('fs');
const http = require('http');
const http2 = require('http2');
const tls = require('tls');

const options = { port: '0', control: '0', host: 'localhost' };
for (let i = 2; i < process.argv.length; i++) {
	const name = process.argv[i].replace(/^--/, '');
	const flag = name === 'no-h2' || name === 'stdin';
	options[name] = flag ? true : process.argv[++i];
}
if (!options.cert || !options.key) {
	process.stderr.write('pushd: --cert and --key are needed\n');
	process.exit(2);
}

const log = options.log ? fs.openSync(options.log, 'a') : -1;
const sessions = new Set();
const seen = new Set(); /* tokens that had their first time */
let rules = [];
let socket = null; /* of the session that is about to begin */
let streams = options.streams ? Number(options.streams) : undefined;
const stats = { connections: 0, open: 0, pushes: 0, statuses: {}, most: 0,
	pings: 0, refused: 0 };

const built_in = [
	['000000000000', { status: 400, reason: 'BadDeviceToken' }],
	['dead0400', { status: 400, reason: 'BadDeviceToken' }],
	['dead0401', { status: 400, reason: 'DeviceTokenNotForTopic' }],
	['dead0403', { status: 403, reason: 'BadCertificate' }],
	['dead0410', { status: 410, reason: 'Unregistered',
		timestamp: 1700000000000 }],
	['dead0429', { status: 429, reason: 'TooManyRequests' }],
	['dead0500', { status: 500, reason: 'InternalServerError' }],
	['dead0503', { status: 503, reason: 'ServiceUnavailable' }],
	['dead0001', { action: 'refuse', first: true }],
	['dead0002', { action: 'goaway', first: true }],
	['dead0003', { action: 'drop', first: true }],
	['dead0004', { status: 200, delay: 300 }],
	['dead0005', { action: 'never' }],
];

/* What Apple would say to it: { status, reason }. */
function judge(session, headers, body) {
	const no = (status, reason) => ({ status, reason });
	const peer = session.peer;

	if (headers[':method'] !== 'POST')
		return no(405, 'MethodNotAllowed');
	if (!/^\/3\/device\/[0-9a-f]*$/.test(headers[':path']))
		return no(404, 'BadPath');
	if (!/^\/3\/device\/([0-9a-f]{2}){20,100}$/.test(headers[':path']))
		return no(400, 'BadDeviceToken');
	if (!peer.uid)
		return no(403, 'MissingProviderToken');
	if (options['client-ca'] && !peer.authorized)
		return no(403, 'BadCertificate');
	if (headers['apns-push-type'] !== 'mdm')
		return no(400, 'InvalidPushType');
	if (headers['apns-topic'] === undefined)
		return no(400, 'MissingTopic');
	if (headers['apns-topic'] !== peer.uid)
		return no(400, 'TopicDisallowed');
	if (!/^(5|10)$/.test(headers['apns-priority']))
		return no(400, 'BadPriority');
	if (!/^[0-9]+$/.test(headers['apns-expiration']))
		return no(400, 'BadExpirationDate');
	if (headers.authorization !== undefined)
		return no(403, 'InvalidProviderToken');
	if (body.length > 4096)
		return no(413, 'PayloadTooLarge');
	if (magic_of(body) === null)
		return no(400, 'PayloadEmpty');
	return no(200, '');
}

function magic_of(body) {
	let o;

	try {
		o = JSON.parse(body);
	} catch (e) {
		return null;
	}
	if (o === null || typeof o.mdm !== 'string' || o.mdm === '')
		return null;
	/* no white space, no other key */
	return /^\{"mdm":"(\\.|[^"\\])*"\}$/.test(body) ? o.mdm : null;
}

function rule_for(token) {
	for (const r of rules) {
		if (r.token && !token.startsWith(r.token))
			continue;
		if (r.skip-- > 0)
			continue;
		if (r.count > 0 && --r.count === 0)
			rules = rules.filter((x) => x !== r);
		return r;
	}
	for (const [prefix, r] of built_in) {
		if (!token.startsWith(prefix) || (r.first && seen.has(token)))
			continue;
		seen.add(token);
		return r;
	}
	return null;
}

function answer(stream, headers, body, verdict) {
	const token = headers[':path'].slice('/3/device/'.length);
	const hidden = headers[http2.sensitiveHeaders] || [];

	if (stream.destroyed || stream.closed || stream.session === undefined ||
		stream.id > stream.session.last)
		return;
	stats.pushes++;
	stats.statuses[verdict.status] =
		(stats.statuses[verdict.status] || 0) + 1;
	if (log >= 0)
		fs.writeSync(log, JSON.stringify({ token,
			magic: magic_of(body), topic: headers['apns-topic'],
			expiration: Number(headers['apns-expiration']),
			priority: Number(headers['apns-priority']),
			connection: stream.session.number, stream: stream.id,
			indexed: !hidden.includes(':path'),
			serial: stream.session.peer.serial,
			status: verdict.status, reason: verdict.reason }) +
			'\n');
	const reply = { ':status': verdict.status,
		'apns-id': '00000000-0000-4000-8000-' +
			String(stats.pushes).padStart(12, '0') };
	if (verdict.body !== undefined) {
		stream.respond(reply);
		stream.end(verdict.body);
	} else if (verdict.status === 200) {
		stream.respond(reply, { endStream: true });
	} else {
		const o = { reason: verdict.reason };
		if (verdict.timestamp !== undefined)
			o.timestamp = verdict.timestamp;
		stream.respond(reply);
		stream.end(JSON.stringify(o));
	}
}

function act(stream, headers, body) {
	const session = stream.session;

	if (session === undefined || stream.destroyed ||
		stream.id > session.last)
		return;
	let verdict = judge(session, headers, body);
	const token = headers[':path'].slice('/3/device/'.length);
	const r = verdict.status === 200 ? rule_for(token) : null;

	switch (r ? r.action || 'answer' : 'answer') {
	case 'refuse':
		stats.refused++;
		stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
		return;
	case 'reset':
		stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
		return;
	case 'goaway':
		session.last = stream.id - 2;
		session.goaway(0, Math.max(session.last, 0),
			Buffer.from(r.debug || ''));
		/* node takes 0 for "all of them" */
		if (stream.id === 1)
			stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
		return;
	case 'drop':
		session.raw.destroy();
		return;
	case 'never':
		return;
	}
	if (r)
		verdict = { status: r.status || 200, reason: r.reason || '',
			timestamp: r.timestamp, body: r.body };
	if (r && r.delay)
		setTimeout(answer, r.delay, stream, headers, body, verdict);
	else
		answer(stream, headers, body, verdict);
}

function on_stream(stream, headers) {
	const session = stream.session;
	let body = '';

	if (session === undefined)
		return;
	stream.setEncoding('utf8');
	stream.on('error', () => {});
	stream.on('data', (s) => { body += s; });
	stream.on('end', () => act(stream, headers, body));
	session.now++;
	stats.most = Math.max(stats.most, session.now);
	stream.on('close', () => { session.now--; });
}

function on_session(session) {
	const peer = socket.getPeerCertificate();

	session.raw = socket;
	session.now = 0;
	session.last = 0x7fffffff;
	session.number = ++stats.connections;
	session.peer = { uid: peer && peer.subject ? peer.subject.UID : '',
		serial: peer && peer.serialNumber ? peer.serialNumber : '',
		authorized: socket.authorized };
	stats.open++;
	sessions.add(session);
	session.on('error', () => {});
	session.on('ping', () => { stats.pings++; });
	session.on('close', () => {
		stats.open--;
		sessions.delete(session);
	});
}

const secure = {
	cert: fs.readFileSync(options.cert),
	key: fs.readFileSync(options.key),
	requestCert: true,
	rejectUnauthorized: false,
	minVersion: 'TLSv1.2',
	settings: streams ? { maxConcurrentStreams: streams } : {},
};
if (options['client-ca'])
	secure.ca = fs.readFileSync(options['client-ca']);

let server;
if (options['no-h2']) {
	server = tls.createServer(secure, (s) => s.on('error', () => {}));
} else {
	server = http2.createSecureServer(secure);
	server.prependListener('secureConnection', (s) => { socket = s; });
	server.on('session', on_session);
	server.on('stream', on_stream);
	server.on('sessionError', () => {});
}
server.on('tlsClientError', () => {});

const controls = {
	'/next': (o) => {
		for (const r of Array.isArray(o) ? o : [o])
			rules.push({ count: 1, skip: 0, ...r });
	},
	'/clear': () => { rules = []; },
	'/streams': (o) => {
		streams = o.max;
		secure.settings.maxConcurrentStreams = o.max;
		for (const s of sessions)
			s.settings({ maxConcurrentStreams: o.max });
		server.updateSettings({ maxConcurrentStreams: o.max });
	},
	'/goaway': (o) => {
		for (const s of sessions)
			s.goaway(0, 0x7fffffff, Buffer.from(o.debug || ''));
	},
	'/drop': () => {
		for (const s of sessions)
			s.raw.destroy();
	},
	'/stats': () => stats,
};

const control = http.createServer((req, res) => {
	let body = '';

	req.on('data', (s) => { body += s; });
	req.on('end', () => {
		const fn = controls[req.url];
		let reply = {};

		try {
			if (!fn)
				res.statusCode = 404;
			else
				reply = fn(body ? JSON.parse(body) : {}) || {};
		} catch (e) {
			res.statusCode = 400;
			reply = { error: String(e) };
		}
		res.setHeader('connection', 'close');
		res.end(JSON.stringify(reply) + '\n');
	});
});

process.on('SIGTERM', () => process.exit(0));
if (options.stdin)
	process.stdin.on('end', () => process.exit(0)).resume();
server.listen(Number(options.port), options.host, () => {
	control.listen(Number(options.control), '127.0.0.1', () => {
		process.stdout.write(`port ${server.address().port}\n` +
			`control ${control.address().port}\n`);
	});
});
