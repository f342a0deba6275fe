import { describe, expect, it } from 'vitest'
import { type ClaimWish, planClaim } from '../../../src/server/claims/plan-claim.ts'
import type { ClaimMode } from '../../../src/server/state/records.ts'
import type { AccessMode } from '../../../src/wire/volume.ts'
import { claimRecord, volumeRecord } from '../../builders/server-records.ts'

const volumeOf = (...modes: AccessMode[]) =>
  volumeRecord({
    requestedCapabilities: modes.map((accessMode) => ({
      accessMode,
      attachmentMode: 'file-system' as const,
    })),
  })
const wish = (mode: ClaimMode): ClaimWish => ({ mode, accessMode: '', attachmentMode: '' })

describe('a claim', () => {
  it.each<[AccessMode, string, ClaimMode, boolean]>([
    ['single-node-reader-only', '', 'read', true],
    ['single-node-reader-only', 'r', 'read', false],
    ['single-node-reader-only', '', 'write', false],
    ['single-node-writer', '', 'read', true],
    ['single-node-writer', 'w', 'read', false],
    ['single-node-writer', 'r', 'read', false],
    ['single-node-writer', '', 'write', true],
    ['single-node-writer', 'r', 'write', true],
    ['single-node-writer', 'w', 'write', false],
    ['multi-node-reader-only', 'rrr', 'read', true],
    ['multi-node-reader-only', '', 'write', false],
    ['multi-node-single-writer', 'rrw', 'read', true],
    ['multi-node-single-writer', 'rr', 'write', true],
    ['multi-node-single-writer', 'rw', 'write', false],
    ['multi-node-multi-writer', 'rww', 'read', true],
    ['multi-node-multi-writer', 'rww', 'write', true],
  ])('of %s beside "%s" for %s: %s', (accessMode, held, mode, granted) => {
    const claims = [...held].map((letter, position) =>
      claimRecord({ id: `${position}`, accessMode, mode: letter === 'r' ? 'read' : 'write' }),
    )
    expect(planClaim(volumeOf(accessMode), claims, wish(mode)).type).toBe(granted ? 'grant' : 'refuse')
  })

  it('takes the first capability that serves it', () => {
    expect(planClaim(volumeOf('multi-node-reader-only', 'single-node-writer'), [], wish('write'))).toEqual({
      type: 'grant',
      capability: { accessMode: 'single-node-writer', attachmentMode: 'file-system' },
    })
  })

  it('keeps to the modes that the volume is claimed in', () => {
    const volume = volumeOf('multi-node-reader-only', 'single-node-writer')
    const claims = [claimRecord({ accessMode: 'multi-node-reader-only', mode: 'read' })]
    expect(planClaim(volume, claims, wish('write')).type).toBe('refuse')
    expect(planClaim(volume, claims, wish('read')).type).toBe('grant')
  })

  it('is refused for a capability that the volume was not defined with', () => {
    const block: ClaimWish = { mode: 'write', accessMode: '', attachmentMode: 'block-device' }
    expect(planClaim(volumeOf('single-node-writer'), [], block)).toMatchObject({ type: 'refuse' })
  })
})
