import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAccess, globMatches } from '../../../src/server/acl/access.ts'
import type { NamespaceCapability, Policy } from '../../../src/server/acl/policy.ts'

const list: NamespaceCapability = 'csi-list-volume'
const write: NamespaceCapability = 'csi-write-volume'

const rows: readonly [string, readonly Policy[], string, NamespaceCapability, boolean][] = [
  ['nothing without a policy', [], 'default', list, false],
  ['what a rule names', [{ namespace: { default: { capabilities: [list] } } }], 'default', list, true],
  ['nothing else', [{ namespace: { default: { capabilities: [list] } } }], 'default', write, false],
  ['nothing elsewhere', [{ namespace: { default: { capabilities: [list] } } }], 'other', list, false],
  ['lists by the shorthand read', [{ namespace: { default: { policy: 'read' } } }], 'default', list, true],
  [
    'no writes by the shorthand read',
    [{ namespace: { default: { policy: 'read' } } }],
    'default',
    write,
    false,
  ],
  [
    'writes by the shorthand write',
    [{ namespace: { default: { policy: 'write' } } }],
    'default',
    write,
    true,
  ],
  ['by a glob', [{ namespace: { 'team-*': { policy: 'read' } } }], 'team-a', list, true],
  ['not beside a glob', [{ namespace: { 'team-*': { policy: 'read' } } }], 'tea', list, false],
  [
    'by the rule of the very name, before any glob',
    [{ namespace: { '*': { policy: 'write' }, prod: { policy: 'read' } } }],
    'prod',
    write,
    false,
  ],
  [
    'by the closest of several globs',
    [
      {
        namespace: {
          '*': { policy: 'write' },
          'prod-*': { policy: 'read' },
          'prod-db-*': { policy: 'write' },
        },
      },
    ],
    'prod-web',
    write,
    false,
  ],
  [
    'united over policies',
    [
      { namespace: { default: { capabilities: [list] } } },
      { namespace: { default: { capabilities: [write] } } },
    ],
    'default',
    write,
    true,
  ],
  [
    'nothing where one policy denies',
    [{ namespace: { default: { policy: 'write' } } }, { namespace: { default: { policy: 'deny' } } }],
    'default',
    list,
    false,
  ],
  ['in any namespace by *', [{ namespace: { other: { policy: 'read' } } }], '*', list, true],
  [
    'by * nothing that no namespace grants',
    [{ namespace: { other: { policy: 'read' } } }],
    '*',
    write,
    false,
  ],
]

describe('policies grant', () => {
  it.each(rows)('%s', (_title, policies, namespace, capability, granted) => {
    expect(createAccess(policies).allows(namespace, capability)).toBe(granted)
  })

  it.each([
    [undefined, false, false],
    ['deny', false, false],
    ['list', true, false],
    ['read', true, true],
    ['write', true, true],
  ] as const)('plugin %s: list %s, read %s', (policy, lists, reads) => {
    const access = createAccess(policy === undefined ? [] : [{ plugin: { policy } }])
    expect([access.allowsPlugin('list'), access.allowsPlugin('read')]).toEqual([lists, reads])
  })

  it('deny of a plugin before everything', () => {
    const access = createAccess([{ plugin: { policy: 'read' } }, { plugin: { policy: 'deny' } }])
    expect(access.allowsPlugin('list')).toBe(false)
  })
})

it('a glob matches as its wildcards as regular expressions do', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 8 })
  const glob = fc.string({ unit: fc.constantFrom('a', 'b', '-', '*'), maxLength: 6 })
  fc.assert(
    fc.property(glob, name, (pattern, text) => {
      expect(globMatches(pattern, text)).toBe(new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text))
    }),
  )
})
