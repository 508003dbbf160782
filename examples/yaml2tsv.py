#!/usr/bin/env python3
"""Make mdmfs's schema tables from a checkout of Apple's device management schema.

    git clone https://github.com/apple/device-management
    examples/yaml2tsv.py device-management /etc/mdmfs/schema

writes commands.tsv, checkin.tsv, profiles.tsv, declarations.tsv, status.tsv,
errors.tsv, responses.tsv, protocol.tsv and other.tsv: names, types, presence,
ranges and OS support; no prose.  Needs python3-yaml.
"""
import os
import sys

try:
    import yaml
except ImportError:
    sys.exit('yaml2tsv: the Python module yaml is missing: '
             'apt-get install python3-yaml')

SYSTEMS = ['iOS', 'macOS', 'tvOS', 'visionOS', 'watchOS']
TABLES = ['commands', 'checkin', 'profiles', 'declarations', 'status',
          'errors', 'responses', 'protocol', 'other']
COLUMNS = ('type variant path vtype presence values range count default '
           'format extra').split() + SYSTEMS
TYPES = ['string', 'integer', 'boolean', 'real', 'data', 'date', 'array',
         'dictionary', 'any']

# folder: table, class.  The longest that fits counts.
FOLDERS = {
    'mdm/commands': ('commands', 'command'),
    'mdm/checkin': ('checkin', 'checkin'),
    'mdm/profiles': ('profiles', 'payload'),
    'mdm/errors': ('errors', 'error'),
    'declarative/declarations': ('declarations', 'base'),
    'declarative/declarations/activations': ('declarations', 'activation'),
    'declarative/declarations/assets': ('declarations', 'asset'),
    'declarative/declarations/assets/credentials':
        ('declarations', 'credential'),
    'declarative/declarations/configurations':
        ('declarations', 'configuration'),
    'declarative/declarations/management': ('declarations', 'management'),
    'declarative/status': ('status', 'status'),
    'declarative/protocol': ('protocol', 'protocol'),
    'other': ('other', 'other'),
}
# What a document's keys stand below on the wire.
BELOW = {'commands': 'Command', 'declarations': 'Payload'}
ALONE = {'TopLevel': 'profile', 'CommonPayloadKeys': 'common'}

# Apple's name in supportedOS, ours; in the order of a cell.
FACTS = [
    ('introduced', 'in'), ('deprecated', 'dep'), ('removed', 'rem'),
    ('accessrights', 'ar'), ('multiple', 'mul'), ('devicechannel', 'dc'),
    ('userchannel', 'uc'), ('supervised', 'sup'), ('requiresdep', 'ade'),
    ('userapprovedmdm', 'uam'), ('allowmanualinstall', 'man'),
    ('always-skippable', 'skip'), ('beta', 'beta'),
    ('allowed-enrollments', 'enr'), ('allowed-scopes', 'sco'),
    ('userenrollment/mode', 'ue'), ('sharedipad/mode', 'si'),
    ('sharedipad/devicechannel', 'sidc'), ('sharedipad/userchannel', 'siuc'),
    ('sharedipad/allowed-scopes', 'sisco'),
]
EXTRA = ['apply', 'related-status-items', 'subtype', 'subkeytype',
         'combinetype', 'assettypes', 'asset-content-types']


class Broken(Exception):
    pass


class Loader(getattr(yaml, 'CSafeLoader', yaml.SafeLoader)):
    """Every scalar as it is written: 10.10 is a version, not a number."""
    yaml_implicit_resolvers = {}


def cell(text, bars=True):
    """Text as a cell: escapes; \\e is the empty string."""
    if text == '':
        return '\\e'
    for a, b in (('\\', '\\\\'), ('\t', '\\t'), ('\n', '\\n'), ('\r', '\\r')):
        text = text.replace(a, b)
    return text.replace('|', '\\|') if bars else text


def fact(value):
    if isinstance(value, list):
        return ','.join(value)
    return {'true': '1', 'false': '0'}.get(value, value)


def systems(key):
    """The five OS cells of a key."""
    cells = []
    supported = key.get('supportedOS') or {}
    for system in SYSTEMS:
        facts = []
        for name, ours in FACTS:
            where = supported.get(system) or {}
            for part in name.split('/'):
                where = where.get(part) if isinstance(where, dict) else None
            if where is not None:
                facts.append(ours + '=' + fact(where))
        cells.append(';'.join(facts))
    return cells


def limits(pair):
    """{min, max} as min..max."""
    if not pair:
        return ''
    return pair.get('min', '') + '..' + pair.get('max', '')


def extras(key):
    found = []
    for name in EXTRA:
        value = key.get(name)
        if name == 'related-status-items' and value:
            name, value = 'related', sum(
                ([v] if isinstance(v, str) else v.get('status-items', [])
                 for v in value), [])
        if name == 'subtype' and value:
            value = value.strip('<>')
        if value:
            found.append(name + '=' + fact(value))
    return found


class Table:
    def __init__(self):
        self.schemas = []

    def schema(self, name, variant, extra, supported):
        lines = [[name, variant, '.', 'schema'] + [''] * 6 + [';'.join(extra)]
                 + supported]
        self.schemas.append((name, variant, lines))
        return lines


class Writer:
    """The lines of one schema."""

    def __init__(self, lines):
        self.lines = lines
        self.name, self.variant = lines[0][:2]
        self.above = []  # (key, its path), to find what contains itself

    def line(self, path, vtype, presence='', key=None, extra=()):
        key = key or {}
        values = key.get('rangelist') or []
        default = key.get('default')
        self.lines.append([
            self.name, self.variant, path, vtype, presence,
            '|'.join(cell(v) for v in values), limits(key.get('range')),
            limits(key.get('repetition')),
            '' if default is None else cell(default),
            cell(key['format']) if key.get('format') else '',
            ';'.join(extra)] + systems(key))

    def key(self, key, prefix, kind):
        name = key['key']
        vtype = key.get('type', '').strip('<>')
        if vtype not in TYPES:
            raise Broken('%s: an unknown type %r' % (name, key.get('type')))
        if name == 'ANY':
            name = '{ANY}'
        if kind == 'array':
            path = '%s[%s]' % (prefix, name)
        elif kind == 'dictionary':
            path = prefix + '/' + name if prefix else name
        else:
            path = prefix + '=' + name
        extra = extras(key)
        again = [p for k, p in self.above
                 if k is key or k.get('subkeys') is key.get('subkeys', 0)]
        if again:
            extra.append('ref=' + again[0])
        self.line(path, vtype, key.get('presence') or '', key, extra)
        if again:
            return
        self.above.append((key, path))
        self.keys(key.get('subkeys') or [], path, vtype)
        self.above.pop()

    def keys(self, keys, prefix, kind):
        for key in keys:
            if not isinstance(key, dict) or 'key' not in key:
                raise Broken('%s: a key without its name' % prefix)
            self.key(key, prefix, kind)


def name_of(document, stem):
    """The schema's name, and its variant: com.apple.MCX(WiFi).yaml"""
    variant = ''
    if stem.endswith(')') and '(' in stem:
        stem, variant = stem[:-1].split('(', 1)
    if stem in ALONE:
        return stem, ''
    if stem == 'declarationbase':
        return 'any', ''
    for name, value in (document.get('payload') or {}).items():
        if name.endswith(('type', 'code')) and isinstance(value, str):
            return value, variant
    return (document.get('title') or stem).replace(' ', ''), variant


def write_reasons(tables, reasons, file, of):
    writer = Writer(tables['errors'].schema(
        of, '', ['file=' + file, 'class=reasons'], [''] * 5))
    for reason in reasons:
        path = reason['value']
        writer.line(path, 'reason')
        writer.keys(reason.get('details') or [], path, 'dictionary')


def read(tables, root, file):
    folder, base = os.path.split(file)
    if folder not in FOLDERS:
        return
    with open(os.path.join(root, file), encoding='utf-8') as f:
        document = yaml.load(f, Loader)
    if not isinstance(document, dict):
        raise Broken('no schema')
    table, kind = FOLDERS[folder]
    payload = document.get('payload') or document
    name, variant = name_of(document, base[:-len('.yaml')])
    kind = ALONE.get(name, kind)
    extra = ['file=' + file, 'class=' + kind] + extras(payload)
    writer = Writer(tables[table].schema(name, variant, extra,
                                         systems(payload)))
    keys = document.get('payloadkeys') or []
    below = BELOW.get(table, '')
    if kind in ('base', 'credential'):
        below = ''
    if below and (keys or table == 'declarations'):
        writer.line(below, 'dictionary', 'required')
    writer.keys(keys, below, 'dictionary')
    if document.get('responsekeys'):
        writer = Writer(tables['responses'].schema(
            name, variant, ['file=' + file, 'class=' + kind],
            systems(payload)))
        writer.keys(document['responsekeys'], '', 'dictionary')
    if document.get('reasons'):
        write_reasons(tables, document['reasons'], file, name)


def files_of(root):
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith('.yaml'):
                yield os.path.relpath(os.path.join(folder, name), root)


def main(argv):
    if len(argv) not in (3, 4):
        sys.exit('usage: yaml2tsv.py CHECKOUT DIR [RELEASE]')
    tables = {name: Table() for name in TABLES}
    for file in sorted(files_of(argv[1])):
        try:
            read(tables, argv[1], file)
        except (Broken, yaml.YAMLError, KeyError, TypeError,
                AttributeError) as e:
            sys.exit('yaml2tsv: %s: %s' % (file, e))
    if not any(t.schemas for t in tables.values()):
        sys.exit('yaml2tsv: %s holds none of Apple\'s schema files '
                 '(mdm/commands/*.yaml, ...)' % argv[1])
    release = argv[3] if len(argv) == 4 else 'the schema in ' + argv[1]
    os.makedirs(argv[2], exist_ok=True)
    for name, table in tables.items():
        path = os.path.join(argv[2], name + '.tsv')
        with open(path + '.new', 'w', encoding='utf-8', newline='\n') as f:
            f.write('# Facts from Apple\'s device-management schema, '
                    'https://github.com/apple/device-management,\n'
                    '# Copyright Apple Inc., MIT licence. '
                    'No descriptive text.\n')
            f.write('#release\t' + ' '.join(release.split()) + '\n')
            f.write('#' + '\t'.join(COLUMNS) + '\n')
            for schema in sorted(table.schemas, key=lambda s: s[:2]):
                for line in schema[2]:
                    f.write('\t'.join(line) + '\n')
        os.replace(path + '.new', path)


if __name__ == '__main__':
    main(sys.argv)
