import type { IncomingHttpHeaders } from 'node:http'
import { describe, expect, it } from 'vitest'
import { isLoopback, isMeantForUs } from '../../../src/lib/http/own-host.ts'

const own = { names: ['nomad.example.com'], certificate: () => undefined }

const rows: readonly [string, IncomingHttpHeaders, boolean][] = [
  ['the loopback address', { host: '127.0.0.1:4646' }, true],
  ['IPv6 loopback', { host: '[::1]:4646' }, true],
  ['localhost in any case', { host: 'LocalHost:4646' }, true],
  ['the address that the connection came to', { host: '192.0.2.7:4646' }, true],
  ['a name that it was told', { host: 'nomad.example.com' }, true],
  ['no Host at all, as in HTTP/1.0', {}, true],
  ['a page without a Host', { origin: 'https://evil.example' }, false],
  ['localhost with the dot that ends a whole name', { host: 'localhost.:4646' }, true],
  ['a told name with that dot', { host: 'nomad.example.com.' }, true],
  ['a name that a page let point here', { host: 'evil.example:4646' }, false],
  ['a name that only begins like ours', { host: 'localhost.evil.example' }, false],
  ['another address', { host: '192.0.2.8:4646' }, false],
  ['no name at all', { host: 'a b' }, false],
  ['a page of its own origin', { host: 'localhost:4646', origin: 'http://localhost:4646' }, true],
  ['a page of another port', { host: 'localhost:4646', origin: 'http://localhost:8080' }, false],
  ['a page of elsewhere', { host: 'localhost:4646', origin: 'https://evil.example' }, false],
  ['a page that hides where it is from', { host: 'localhost:4646', origin: 'null' }, false],
  ['an image on a page of elsewhere', { host: 'localhost:4646', 'sec-fetch-site': 'cross-site' }, false],
  ['an address that a person typed', { host: 'localhost:4646', 'sec-fetch-site': 'none' }, true],
]

describe('a request is meant for this server', () => {
  it.each(rows)('%s', (_title, headers, meant) => {
    expect(isMeantForUs(headers, '::ffff:192.0.2.7', own)).toBe(meant)
  })
})

describe('loopback', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.8.8.8', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['192.0.2.1', false],
    ['localhost.example', false],
  ])('%s: %s', (host, expected) => expect(isLoopback(host)).toBe(expected))
})
