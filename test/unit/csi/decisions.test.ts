import { status } from '@grpc/grpc-js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { requirementsOf } from '../../../src/csi/capabilities.ts'
import { loadContract } from '../../../src/csi/contract.ts'
import { defaultDeadlines } from '../../../src/csi/deadlines.ts'
import { PluginError } from '../../../src/csi/plugin-error.ts'
import { loadRedactor } from '../../../src/csi/redactor.ts'
import { toOperationError } from '../../../src/lib/errors.ts'
import { stripped } from '../../../src/lib/redact.ts'

test('every gRPC code has a class, and wrapping an error does not change what the loop does', () => {
  const codes = Object.values(status).filter((code) => typeof code === 'number')
  expect(codes).toHaveLength(17)
  for (const code of codes) {
    const error = new PluginError({ pluginID: 'p', method: 'CreateVolume', code, details: 'why' })
    expect(error.errorClass).toBeDefined()
    expect(toOperationError(new Error('outer', { cause: error }))).toBe(error)
  }
})

test('every RPC of the four services has a deadline', () => {
  const { identity, controller, groupController, node } = loadContract()
  const rpcs = [identity, controller, groupController, node].flatMap((service) => Object.keys(service))
  expect(Object.keys(defaultDeadlines).sort()).toEqual(rpcs.sort())
})

describe('what a call needs', () => {
  const needs = (...call: Parameters<typeof requirementsOf>) =>
    requirementsOf(...call).map(({ capability }) => capability)

  test.each<[string, string[], string[]]>([
    ['a plain create', needs('CreateVolume', { name: 'v' }), ['CONTROLLER_SERVICE', 'CREATE_DELETE_VOLUME']],
    [
      'a create with everything',
      needs('CreateVolume', {
        volumeContentSource: { volume: { volumeId: 'v' } },
        accessibilityRequirements: { requisite: [{ segments: {} }] },
        mutableParameters: { a: 'b' },
      }),
      [
        'CONTROLLER_SERVICE',
        'CREATE_DELETE_VOLUME',
        'CLONE_VOLUME',
        'VOLUME_ACCESSIBILITY_CONSTRAINTS',
        'MODIFY_VOLUME',
      ],
    ],
    [
      'a read-only attachment',
      needs('ControllerPublishVolume', { readonly: true }),
      ['CONTROLLER_SERVICE', 'PUBLISH_UNPUBLISH_VOLUME', 'PUBLISH_READONLY'],
    ],
    [
      'a modification',
      needs('ControllerModifyVolume', { volumeId: 'v', mutableParameters: { live: 'allow' } }),
      ['CONTROLLER_SERVICE', 'MODIFY_VOLUME'],
    ],
    ...(['Create', 'Get', 'Delete'] as const).map((verb): [string, string[], string[]] => [
      `a group snapshot's ${verb.toLowerCase()}`,
      needs(`${verb}VolumeGroupSnapshot`, {}),
      ['GROUP_CONTROLLER_SERVICE', 'CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT'],
    ]),
    ['publishing on a node', needs('NodePublishVolume', {}), []],
    ['staging on a node', needs('NodeStageVolume', {}), ['STAGE_UNSTAGE_VOLUME']],
  ])('%s', (_title, actual, expected) => expect(actual).toEqual(expected))
})

describe('secrets', () => {
  const redactor = loadRedactor()

  test('are every request’s marked fields, and its mount flags', () => {
    const message = {
      name: 'v',
      parameters: { password: 'a parameter, as its field is not marked' },
      secrets: { key: 'k3y', empty: '' },
      volumeCapabilities: [{ mount: { fsType: 'ext4', mountFlags: ['pass=w0rd'] } }],
    }
    expect(redactor.message('CreateVolumeRequest', message)).toEqual({
      ...message,
      secrets: { key: stripped, empty: stripped },
      volumeCapabilities: [{ mount: { fsType: 'ext4', mountFlags: [stripped] } }],
    })
  })

  test.each([
    ['a volume that cannot be attached', 'a volume that cannot be attached'],
    ['bad pin=a, try again', `bad pin=${stripped}, try again`],
    ['{"pin": "a"}', `{"pin": "${stripped}"}`],
    ["PIN: a is wrong, and so is 'a'", `PIN: ${stripped} is wrong, and so is '${stripped}'`],
    ['pin=abc is another', 'pin=abc is another'],
    ['code=.* is no match of code=.a', `code=${stripped} is no match of code=.a`],
  ])('of one or two characters are taken out where they stand as such: %s', (text, wanted) => {
    const secrets = { pin: 'a', code: '.*' }
    expect(redactor.text('DeleteVolumeRequest', { volumeId: 'v', secrets }, text)).toBe(wanted)
  })

  test('never stand in a text, in whatever order and overlap they are repeated', () => {
    const secret = fc.string({ minLength: 3 }).filter((text) => !stripped.includes(text))
    fc.assert(
      fc.property(fc.array(secret, { minLength: 1, maxLength: 4 }), fc.string(), (values, noise) => {
        const secrets = Object.fromEntries(values.map((value, index) => [`${index}`, value]))
        const text = values.join(noise)
        const redacted = redactor.text('DeleteVolumeRequest', { volumeId: 'v', secrets }, text)
        for (const value of values) expect(redacted.replaceAll(stripped, '\u0000')).not.toContain(value)
      }),
    )
  })
})
