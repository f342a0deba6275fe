import { describe, expect, it } from 'vitest'
import { type LimitFlags, readLimits } from '../../../src/cli/source-limits.ts'

const all: LimitFlags = {
  allowNamespaces: ['team-b=apps,batch-*'],
  allowPlugins: ['team-b=ebs0'],
  allowExternalIds: ['team-b=ebs0/vol-b-*'],
  allowSecrets: ['team-b=env:MOORING_SECRET_B_*,file:b/*'],
}
const read = (flags: LimitFlags, source = ['platform', 'team-b'], kubernetes = false) =>
  readLimits({ ...flags, source, kubernetes })

describe('readLimits', () => {
  it('limits the source that the options name, and no other', () => {
    expect([...read(all).limits]).toEqual([
      [
        'team-b',
        {
          namespaces: ['apps', 'batch-*'],
          plugins: ['ebs0'],
          externalIDs: ['ebs0/vol-b-*'],
          secrets: ['env:MOORING_SECRET_B_*', 'file:b/*'],
        },
      ],
    ])
  })

  it('limits nothing without options, as before', () => {
    expect(read({}).limits.size).toBe(0)
  })

  it('adds up what is given more than once, and takes nothing after "=" for none', () => {
    const { limits } = read({
      ...all,
      allowPlugins: ['team-b=ebs0', 'team-b=nfs'],
      allowSecrets: ['team-b='],
    })
    expect(limits.get('team-b')).toMatchObject({ plugins: ['ebs0', 'nfs'], secrets: [] })
  })

  it('knows a repository by its name, without its password, and a place that holds "="', () => {
    const place = 'git+https://user:pass@host/b.git#a=b'
    const shown = 'git+https://host/b.git#a=b'
    const flags = Object.fromEntries(
      Object.entries(all).map(([name, [line]]) => [name, [line.replace('team-b', shown)]]),
    )
    expect([...read(flags, [place]).limits.keys()]).toEqual([place])
  })

  it('takes a name that is no source for a Kubernetes namespace, for external IDs alone', () => {
    const flags = { allowExternalIds: ['team-c=ebs0/vol-c', 'team-c=nfs/*,*/x'] }
    const { limits, allowedIDs } = read(flags, ['platform'], true)
    expect(limits.size).toBe(0)
    expect([...allowedIDs.objects]).toEqual([['team-c', ['ebs0/vol-c', 'nfs/*', '*/x']]])
  })

  it.each<[string, LimitFlags, boolean, RegExp]>([
    [
      'nothing says which secrets',
      { ...all, allowSecrets: [] },
      false,
      /source \S*team-b .* which secrets it may use: give --allow-secrets/,
    ],
    [
      'the name is no source',
      { allowPlugins: ['team-x=ebs0'] },
      false,
      /--allow-plugins: "team-x" is no source here: write one of \S*platform, \S*team-b, then/,
    ],
    [
      'it is for sources',
      { allowNamespaces: ['team-x=apps'] },
      true,
      /for Kubernetes namespaces there is --namespace-mapping/,
    ],
    [
      'the name is neither',
      { allowExternalIds: ['Team=ebs0/x'] },
      true,
      /neither a source nor a Kubernetes namespace/,
    ],
    ['there is no "="', { allowPlugins: ['team-b'] }, false, /"" is no source here/],
    [
      'an ID has no plugin',
      { allowExternalIds: ['team-b=vol-1'] },
      false,
      /"vol-1" cannot be used: write ebs0\/vol-b-\*/,
    ],
    ['a plugin has a slash', { allowPlugins: ['team-b=a/b'] }, false, /"a\/b" cannot be used/],
    ['a namespace has a space', { allowNamespaces: ['team-b=a b'] }, false, /"a b" cannot be used/],
    [
      'a secret is of no known sort',
      { allowSecrets: ['team-b=MOORING_SECRET_B'] },
      false,
      /write env:MOORING_SECRET_B_\*/,
    ],
    [
      'a variable is none for secrets',
      { allowSecrets: ['team-b=env:NOMAD_TOKEN'] },
      false,
      /"env:NOMAD_TOKEN" cannot be used/,
    ],
  ])('refuses options where %s', (_title, flags, kubernetes, message) => {
    expect(() => read(flags, undefined, kubernetes)).toThrow(message)
  })
})
