import { BlockList } from 'node:net'
import { describe, expect, it } from 'vitest'
import { readUISettings, type UIFlags } from '../../../../../src/cli/ui-settings.ts'
import { createAccess, type ProxySettings } from '../../../../../src/operator/admin/http/access.ts'
import { hashToken, parseUITokens } from '../../../../../src/operator/admin/http/ui-tokens.ts'
import { adjustableClock } from '../../../../helpers/adjustable-clock.ts'

const token = 'operator-token-0123456789'

function access(fields: { file?: string; proxy?: ProxySettings; isLocal?: boolean; noOrders?: string } = {}) {
  const clock = adjustableClock()
  let file = fields.file ?? `operator olaf ${token}`
  let count = 0
  return {
    clock,
    write: (text: string) => {
      file = text
    },
    access: createAccess({
      tokens: () => parseUITokens(file, 'tokens'),
      ...(fields.proxy === undefined ? {} : { proxy: fields.proxy }),
      isLocal: fields.isLocal ?? false,
      noOrders: fields.noOrders,
      clock,
      randomText: () => `random-${++count}`,
    }),
  }
}

const from = (remoteAddress: string, headers: Record<string, string> = {}) => ({ remoteAddress, headers })

describe('a session', () => {
  it('lasts twelve hours, and no longer than its token is in the file', () => {
    const { access: door, write } = access()
    const cookie = `mooring-session=${door.logIn(token, from('10.0.0.1'))}`
    const role = () => door.sessionOf(from('10.0.0.1', { cookie })).role
    expect(role()).toBe('operator')
    write(`viewer olaf ${token}`)
    expect(role()).toBeUndefined()
    const second = access()
    const again = `mooring-session=${second.access.logIn(token, from('10.0.0.1'))}`
    second.clock.advance(12 * 3_600_000)
    expect(second.access.sessionOf(from('10.0.0.1', { cookie: again })).role).toBeUndefined()
  })

  it('begins by a link once, within an hour', () => {
    const { access: door, clock } = access()
    const [used, late] = [door.createLoginCode(), door.createLoginCode()]
    expect(door.logIn(used, from('127.0.0.1'))).toBeTypeOf('string')
    expect(door.logIn(used, from('127.0.0.1'))).toBeUndefined()
    clock.advance(3_600_001)
    expect(door.logIn(late, from('127.0.0.1'))).toBeUndefined()
  })

  it('is not begun by guessing: ten wrong tokens within a minute are answered', () => {
    const { access: door, clock } = access()
    const guess = () => door.logIn('wrong', from('10.0.0.1'))
    const answers = Array.from({ length: 12 }, guess)
    expect(answers.map((answer) => answer ?? 'unknown')).toEqual([
      ...Array.from({ length: 10 }, () => 'unknown'),
      ...['too many', 'too many'],
    ])
    expect(door.logIn('wrong', from('10.0.0.2'))).toBeUndefined()
    clock.advance(60_001)
    expect(guess()).toBeUndefined()
  })
})

describe('a proxy', () => {
  const trusted = new BlockList()
  trusted.addSubnet('10.1.0.0', 16, 'ipv4')
  const proxy = { header: 'x-user', trusted, operators: new Set(['olaf']) }
  const { access: door } = access({ proxy })
  const session = (address: string, user?: string) =>
    door.sessionOf(from(address, user === undefined ? {} : { 'x-user': user }))

  it('names its users, who read, and those of the list give orders', () => {
    expect(session('10.1.2.3', 'vera')).toMatchObject({
      role: 'viewer',
      user: 'vera',
      via: 'proxy',
      mayWrite: false,
    })
    expect(session('10.1.2.3', 'vera').refusal).toContain('--ui-proxy-operators')
    expect(session('::ffff:10.1.2.3', 'olaf')).toMatchObject({ role: 'operator', mayWrite: true })
  })

  it('is not believed from elsewhere, nor without a user', () => {
    expect(session('10.2.0.1', 'olaf').role).toBeUndefined()
    expect(session('127.0.0.1', 'olaf').role).toBeUndefined()
    expect(session('10.1.2.3').role).toBeUndefined()
    expect(session('10.1.2.3', '').role).toBeUndefined()
  })
})

it('an operator’s token gives no orders where nobody may', () => {
  const { access: door } = access({ noOrders: 'the operator runs with --read-only' })
  const session = door.sessionOf(from('10.0.0.1', { authorization: `Bearer ${token}` }))
  expect(session).toMatchObject({
    role: 'operator',
    mayWrite: false,
    refusal: 'the operator runs with --read-only',
  })
})

describe('a file of tokens', () => {
  it('takes tokens and their hashes', () => {
    const text = `# who\n\nviewer wall sha256:${hashToken('some-long-token-of-wall')}\r\noperator  olaf\t${token}\n`
    const tokens = parseUITokens(text, 'tokens')
    expect(tokens.get(hashToken('some-long-token-of-wall'))).toEqual({ role: 'viewer', name: 'wall' })
    expect(tokens.get(hashToken(token))).toEqual({ role: 'operator', name: 'olaf' })
  })

  it.each([
    ['another role', `admin olaf ${token}`, 'tokens:1: the role'],
    ['a word too few', `# a\nviewer ${token}`, 'tokens:2: the line has not three words'],
    ['a short token', 'viewer wall short', 'fewer than 20 characters'],
    ['a broken hash', 'viewer wall sha256:abc', 'is no hash'],
    ['a token twice', `viewer a ${token}\noperator b ${token}`, 'tokens:2: the token stands there twice'],
    ['nothing', '# none\n', 'holds no token'],
  ])('refuses %s, and repeats no token', (_what, text, said) => {
    const parse = () => parseUITokens(text, 'tokens')
    expect(parse).toThrow(said)
    expect(parse).not.toThrow(token)
  })
})

describe('the flags of the dashboard', () => {
  const local = { host: '127.0.0.1', port: 4680 }
  const open = { host: '0.0.0.0', port: 4680 }
  it.each<[string, UIFlags, string]>([
    ['tokens without an address', { uiTokenFile: 't' }, 'give --http-ui'],
    ['everybody from everywhere', { httpUi: open }, 'nothing says who may use it'],
    ['tokens in clear', { httpUi: open, uiTokenFile: 't' }, 'give --tls-cert and --tls-key'],
    [
      'a header from anybody',
      { httpUi: open, uiProxyUserHeader: 'x-user' },
      'anybody could write the header',
    ],
    ['half of TLS', { httpUi: local, tlsCert: 'c' }, 'only a part of TLS'],
  ])('refuse %s', (_what, flags, said) => {
    expect(() => readUISettings(flags)).toThrow(said)
  })

  it('serve nothing unless asked, and loopback to everybody on the machine', () => {
    expect(readUISettings({})).toBeUndefined()
    expect(readUISettings({ httpUi: local })).toEqual({ ...local, names: [], readOnly: false })
    const ended = readUISettings({ httpUi: open, uiTokenFile: 't', insecure: true })
    expect(ended).toMatchObject({ host: '0.0.0.0', tokenFile: 't' })
  })
})
