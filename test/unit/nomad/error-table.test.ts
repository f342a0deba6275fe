import { describe, expect, it } from 'vitest'
import type { ErrorKind } from '../../../src/lib/errors.ts'
import {
  type Call,
  classifyAnswer,
  classifyLostAnswer,
  classifyNonsense,
} from '../../../src/nomad/error-table.ts'

const of = (type: Call['type']): Call => ({ title: 'do it', type })
const grpc = (code: string, gloss = 'CSI.X', description = 'why') =>
  `rpc error: controller x: ${gloss}: rpc error: code = ${code} desc = ${description}`

type Row = [title: string, status: number, text: string, call: Call['type'], kind: ErrorKind, reason: string]

const rows: Row[] = [
  // The texts of Nomad, nearly all of them with status 500.
  ['claims, from Nomad', 500, 'rpc error: volume in use: data', 'write', 'waiting', 'InUse'],
  ['claims, from our server', 409, 'volume in use: data', 'delete volume', 'waiting', 'InUse'],
  [
    'mount options of a claimed volume',
    500,
    'unable to update volume: 1 error occurred:\n\t* can not update mount options while volume is in use\n\n',
    'write',
    'waiting',
    'InUse',
  ],
  ['no volume to deregister', 500, 'volume not found: data', 'write', 'transient', 'VolumeNotFound'],
  [
    'no volume to deregister, from our server',
    404,
    'volume not found',
    'write',
    'transient',
    'VolumeNotFound',
  ],
  [
    'no volume to snapshot',
    500,
    '1 error occurred:\n\t* no such volume "data"\n\n',
    'write',
    'transient',
    'VolumeNotFound',
  ],
  [
    'no namespace',
    500,
    'volume data is in nonexistent namespace prod',
    'write',
    'permanent',
    'NamespaceNotFound',
  ],
  [
    'no namespace, found after the plugin made the volume',
    500,
    'volume data is in nonexistent namespace prod',
    'create volume',
    'ambiguous',
    'NamespaceNotFound',
  ],
  [
    'a plugin that is not there',
    500,
    'no CSI plugin named: ebs could be found',
    'create volume',
    'transient',
    'PluginNotFound',
  ],
  [
    'a plugin whose socket nobody serves',
    500,
    'controller create volume: CSI.ControllerCreateVolume: timeout while connecting to gRPC socket: failed to create gRPC connection: failed to open grpc connection to addr: csi.sock, err: context deadline exceeded',
    'create volume',
    'transient',
    'PluginUnavailable',
  ],
  ['a plugin that is gone', 500, 'plugin not found: ebs', 'delete volume', 'transient', 'PluginNotFound'],
  ['a plugin without its record', 500, 'plugin missing: ebs', 'write', 'transient', 'PluginNotFound'],
  ['a plugin that was never there', 500, 'no such plugin "ebs"', 'write', 'transient', 'PluginNotFound'],
  [
    'a plugin without a controller to delete by',
    500,
    'plugin "ebs" for volume "data" not found',
    'delete volume',
    'transient',
    'PluginNotFound',
  ],
  [
    'no healthy controller',
    500,
    'no healthy controllers for CSI plugin: ebs',
    'create volume',
    'transient',
    'PluginUnavailable',
  ],
  [
    'no controller instances',
    500,
    'failed to find instances of controller plugin "ebs"',
    'write',
    'transient',
    'PluginUnavailable',
  ],
  [
    'no clients with the controller',
    500,
    'failed to find clients running controller plugin "ebs": node down',
    'write',
    'transient',
    'PluginUnavailable',
  ],
  [
    'a client that lost its plugin',
    500,
    'controller create volume: CSI.ControllerCreateVolume: CSI client error (retryable): plugin ebs not ready',
    'create volume',
    'transient',
    'PluginUnavailable',
  ],
  ['a client that is away', 500, 'No path to node', 'create volume', 'transient', 'PluginUnavailable'],
  [
    'no controller yet, or none ever',
    500,
    'plugin has no controller',
    'create volume',
    'transient',
    'Unsupported',
  ],
  ['no create', 500, 'plugin does not support creating volumes', 'create volume', 'transient', 'Unsupported'],
  ['no list', 500, 'unimplemented for this plugin', 'read', 'transient', 'Unsupported'],
  [
    'no expand',
    500,
    'unable to update volume: expand is not implemented by this controller plugin',
    'write',
    'transient',
    'Unsupported',
  ],
  ['no leader', 500, 'No cluster leader', 'create volume', 'transient', 'NoLeader'],
  ['a young leader', 500, 'Not ready to serve consistent reads', 'read', 'transient', 'NoLeader'],
  ['a region out of reach', 500, 'No path to region', 'write', 'transient', 'NoLeader'],
  [
    'a leader lost over a write',
    500,
    'leadership lost while committing log',
    'create volume',
    'ambiguous',
    'LeadershipLost',
  ],
  ['a server lost over a write', 500, 'rpc error: EOF', 'create volume', 'ambiguous', 'AnswerLost'],
  ['a server lost over a read', 500, 'rpc error: EOF', 'read', 'transient', 'NomadUnreachable'],
  ['a session lost', 500, 'rpc error: session shutdown', 'write', 'ambiguous', 'AnswerLost'],
  [
    'an immutable field',
    500,
    'unable to update volume: 1 error occurred:\n\t* volume parameters cannot be updated\n\n',
    'write',
    'permanent',
    'ImmutableField',
  ],
  [
    'an immutable field, from our server',
    409,
    'volume name cannot be updated',
    'write',
    'permanent',
    'ImmutableField',
  ],
  [
    'another topology',
    500,
    'volume topology request update was not compatible with existing topology',
    'write',
    'permanent',
    'ImmutableField',
  ],
  [
    'another identity',
    500,
    'volume identity cannot be updated: data',
    'write',
    'permanent',
    'ImmutableField',
  ],
  [
    'a maximum below the capacity',
    500,
    'max requested capacity (1 GB) less than or equal to current (2 GB)',
    'write',
    'permanent',
    'CapacityUnsupported',
  ],
  [
    'a volume without its parts',
    500,
    'validation: missing plugin id, missing namespace',
    'write',
    'permanent',
    'InvalidVolume',
  ],
  ['a mode that does not exist', 500, 'unknown volume access mode: x', 'write', 'permanent', 'InvalidVolume'],
  [
    'a capability that was not confirmed',
    500,
    'volume capability validation failed: requested access mode',
    'write',
    'permanent',
    'InvalidVolume',
  ],
  [
    'a provider without the volume',
    500,
    'CSI.ControllerValidateVolume: volume "vol-1" could not be found',
    'write',
    'permanent',
    'ExternalVolumeNotFound',
  ],
  [
    'a definition that is there already',
    409,
    'volume "data" already exists',
    'create volume',
    'ambiguous',
    'AlreadyExists',
  ],

  // Status alone, or first.
  ['a token without the right', 403, 'Permission denied', 'write', 'permanent', 'PermissionDenied'],
  [
    'a plugin error that ends like one',
    403,
    'Permission denied',
    'create volume',
    'permanent',
    'PermissionDenied',
  ],
  ['a token that is not there', 403, 'ACL token not found', 'read', 'permanent', 'PermissionDenied'],
  [
    'too many connections',
    429,
    'Your IP is issuing too many concurrent connections',
    'read',
    'transient',
    'TooManyRequests',
  ],
  ['a bad request', 400, 'Request body is empty', 'write', 'permanent', 'InvalidRequest'],
  ['a route that is not there', 404, 'resource not found', 'write', 'permanent', 'UnsupportedByServer'],
  ['a route that is not there, without a word', 404, '', 'read', 'permanent', 'UnsupportedByServer'],
  ['a method that is not taken', 405, 'Invalid method', 'write', 'permanent', 'UnsupportedByServer'],
  ['a redirect', 301, '', 'write', 'permanent', 'UnexpectedRedirect'],
  ['a conflict in other words', 409, 'busy', 'write', 'waiting', 'InUse'],
  ['a plugin that refuses, in other words', 422, 'no', 'create volume', 'permanent', 'PluginRefused'],
  ['a plugin that is away, in other words', 503, 'away', 'create volume', 'transient', 'PluginUnavailable'],
  ['a plugin that is too slow', 504, 'deadline', 'create volume', 'ambiguous', 'PluginDeadlineExceeded'],
  ['a plugin that is too slow to list', 504, 'deadline', 'read', 'transient', 'PluginDeadlineExceeded'],
  ['an unknown failure of a write', 500, 'unexpected nil value', 'create volume', 'ambiguous', 'NomadError'],
  ['an unknown failure of a read', 500, 'unexpected nil value', 'read', 'transient', 'NomadError'],
  ['a proxy that lost Nomad', 502, '<html>Bad Gateway</html>', 'create volume', 'ambiguous', 'NomadError'],

  // What the plugin said, not what Nomad made of it.
  [
    'InvalidArgument, said to be about a snapshot source',
    500,
    grpc('InvalidArgument', 'volume "n" snapshot source "" is not compatible with these parameters'),
    'create volume',
    'permanent',
    'InvalidArgument',
  ],
  [
    'OutOfRange',
    500,
    grpc('OutOfRange', 'unsupported capacity_range'),
    'create volume',
    'permanent',
    'CapacityUnsupported',
  ],
  [
    'AlreadyExists',
    500,
    grpc('AlreadyExists', 'already exists but is incompatible with these parameters'),
    'create volume',
    'permanent',
    'NameConflict',
  ],
  ['PermissionDenied', 500, grpc('PermissionDenied'), 'create volume', 'permanent', 'PluginPermissionDenied'],
  ['Unauthenticated', 500, grpc('Unauthenticated'), 'create volume', 'permanent', 'PluginPermissionDenied'],
  ['Unimplemented', 500, grpc('Unimplemented'), 'create volume', 'permanent', 'Unsupported'],
  [
    'NotFound of a source',
    500,
    grpc('NotFound', 'content source x does not exist'),
    'create volume',
    'permanent',
    'SourceNotFound',
  ],
  [
    'NotFound of a volume to expand',
    500,
    grpc('NotFound', 'unable to expand volume: CSI.ControllerExpandVolume: volume could not be found'),
    'create volume',
    'permanent',
    'ExternalVolumeNotFound',
  ],
  [
    'NotFound of a volume to delete',
    500,
    grpc('NotFound'),
    'delete volume',
    'permanent',
    'ExternalVolumeNotFound',
  ],
  [
    'NotFound of a snapshot to delete',
    500,
    grpc('NotFound'),
    'delete snapshot',
    'transient',
    'SnapshotNotFound',
  ],
  [
    'FailedPrecondition of an expansion',
    500,
    grpc('FailedPrecondition', 'volume "x" cannot be expanded online'),
    'create volume',
    'waiting',
    'OfflineExpansionOnly',
  ],
  [
    'FailedPrecondition of a delete',
    500,
    grpc('FailedPrecondition', 'volume "x" is in use'),
    'delete volume',
    'waiting',
    'DeleteRefused',
  ],
  [
    "Nomad's detach, which fails in every release",
    500,
    'rpc error: Unknown allocation',
    'write',
    'waiting',
    'DetachUnsupported',
  ],
  [
    'FailedPrecondition of a snapshot delete',
    500,
    grpc('FailedPrecondition', 'because it is in use'),
    'delete snapshot',
    'waiting',
    'InUse',
  ],
  [
    'FailedPrecondition of something else',
    500,
    grpc('FailedPrecondition'),
    'create volume',
    'transient',
    'FailedPrecondition',
  ],
  ['Aborted', 500, grpc('Aborted', 'is already pending'), 'write', 'ambiguous', 'OperationPending'],
  ['ResourceExhausted', 500, grpc('ResourceExhausted'), 'create volume', 'transient', 'ResourceExhausted'],
  [
    'Unavailable before anything was sent',
    500,
    grpc(
      'Unavailable',
      'CSI.X',
      'connection error: desc = "transport: Error while dialing: dial unix csi.sock: connect: connection refused"',
    ),
    'create volume',
    'transient',
    'PluginUnavailable',
  ],
  [
    'Unavailable in the middle',
    500,
    grpc('Unavailable', 'CSI.X', 'error reading from server: EOF'),
    'create volume',
    'ambiguous',
    'PluginUnavailable',
  ],
  [
    'DeadlineExceeded',
    500,
    grpc('DeadlineExceeded', 'CSI.X', 'context deadline exceeded'),
    'create volume',
    'ambiguous',
    'PluginDeadlineExceeded',
  ],
  [
    'DeadlineExceeded of a list',
    500,
    grpc('DeadlineExceeded'),
    'read',
    'transient',
    'PluginDeadlineExceeded',
  ],
  ['Canceled', 500, grpc('Canceled'), 'create volume', 'ambiguous', 'PluginDeadlineExceeded'],
  [
    'Internal',
    500,
    grpc('Internal', 'controller plugin returned an internal error'),
    'create volume',
    'transient',
    'PluginError',
  ],
  ['Unknown', 500, grpc('Unknown'), 'create volume', 'transient', 'PluginError'],
]

describe('classifyAnswer', () => {
  it.each(rows)('%s: %i %s', (_title, status, text, type, kind, reason) => {
    expect(classifyAnswer(status, text, of(type))).toMatchObject({ kind, reason })
  })

  it('says in one line what was asked and what came back', () => {
    const text = 'rpc error: 1 error occurred:\n\t* validation: missing plugin id\n\n'
    expect(classifyAnswer(500, text, of('write')).message).toBe('do it: validation: missing plugin id')
  })

  it('quotes the plugin without the words that Nomad puts before it (csi-driver-nfs#795)', () => {
    const text = grpc('InvalidArgument', 'snapshot source is not compatible', 'type "gp9" is unknown')
    expect(classifyAnswer(500, text, of('create volume')).message).toBe(
      'do it: the plugin answered InvalidArgument: type "gp9" is unknown',
    )
  })

  it('names both causes of a 403, of which Nomad tells neither', () => {
    expect(classifyAnswer(403, 'Permission denied', of('write')).message).toContain(
      'or the plugin was denied',
    )
  })

  it('says when to look again at what it waits for', () => {
    expect(classifyAnswer(500, 'volume in use: data', of('write')).retryAfterMs).toBe(30_000)
    expect(classifyAnswer(500, 'No cluster leader', of('write')).retryAfterMs).toBeUndefined()
  })

  it('has a message where the answer has none', () => {
    expect(classifyAnswer(500, '', of('write')).message).toBe('do it: status 500 without a text')
  })
})

describe('calls without a whole answer', () => {
  it('are ambiguous once anything of a write was sent', () => {
    const cause = new Error('reset')
    expect(classifyLostAnswer(cause, true, 'cut', of('write'))).toMatchObject({
      kind: 'ambiguous',
      reason: 'AnswerLost',
      cause,
      message: 'do it: cut',
    })
  })

  it.each([
    ['a write that was never sent', 'write', false],
    ['a read that was never sent', 'read', false],
    ['a read that was sent', 'read', true],
  ] as const)('are transient for %s', (_title, type, sent) => {
    expect(classifyLostAnswer(new Error('x'), sent, 'cut', of(type))).toMatchObject({
      kind: 'transient',
      reason: 'NomadUnreachable',
    })
  })

  it('leave a write in doubt when its answer is nonsense', () => {
    expect(classifyNonsense('what?', of('write'))).toMatchObject({
      kind: 'ambiguous',
      reason: 'InvalidAnswer',
    })
    expect(classifyNonsense('what?', of('read'))).toMatchObject({
      kind: 'transient',
      reason: 'InvalidAnswer',
    })
  })
})
