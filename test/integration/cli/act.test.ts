import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { snapshotYAML, volumeYAML } from '../../helpers/declarations-yaml.ts'
import { runMooring } from '../../helpers/run-mooring.ts'
import { startUp, workplace } from '../../helpers/start-up.ts'

/** A Nomad of its own, and a workplace for an operator that does not run. */
async function startNomad() {
  const empty = workplace()
  const nomad = await startUp(empty.folder, empty.dataDirectory)
  const place = workplace()
  const flags = ['--data-dir', place.dataDirectory, '--nomad-addr', nomad.url]
  return {
    ...place,
    nomad,
    nomadDataDirectory: empty.dataDirectory,
    mooring: (command: string, ...parameters: string[]) => runMooring([command, ...parameters, ...flags]),
  }
}

describe('mooring plan', () => {
  it('shows what would be made with its risk, writes nothing at all, and exits 3, later 0', async () => {
    const { folder, dataDirectory, write, nomad, mooring } = await startNomad()
    write('data.yaml', volumeYAML('data', { capacity: '{min: 1Gi}' }))
    write('snapshot.yaml', snapshotYAML('nightly', 'data'))
    const first = await mooring('plan', folder)
    expect(first.status).toBe(3)
    expect(first.stdout).toMatch(/^\+ Volume\/default\/data: create-volume \(risk for data: none\)$/m)
    expect(first.stdout).toMatch(/^ {4}\+ {3}min: 1Gi$/m)
    expect(first.stdout).toMatch(/^\? Snapshot\/default\/nightly: waits \(VolumeNotReady\)$/m)
    expect(first.stdout).toMatch(/^1 to make, 1 waiting\.$/m)
    expect(nomad.writes()).toEqual([])
    expect(() => readFileSync(join(dataDirectory, 'operator', 'inventory.sqlite'))).toThrow('ENOENT')

    expect((await mooring('apply', folder, '--wait')).status).toBe(0)
    const inventory = () => readFileSync(join(dataDirectory, 'operator', 'inventory.sqlite'))
    const before = inventory()
    const writes = nomad.writes().length
    const done = await mooring('plan', folder)
    expect(done).toMatchObject({ status: 0, stdout: '2 as declared.\n', stderr: '' })

    write('data.yaml', volumeYAML('data', { capacity: '{min: 3Gi}' }))
    const grow = await mooring('plan', folder)
    expect(grow.status).toBe(3)
    expect(grow.stdout).toMatch(/^~ Volume\/default\/data: expand-volume \(risk for data: none\)$/m)
    expect(grow.stdout).toMatch(/^ {4}~ spec\.capacity\.min: 1Gi → 3Gi$/m)

    write('data.yaml', volumeYAML('data', { parameters: '{type: other}' }))
    const immutable = await mooring('plan', folder)
    expect(immutable.status).toBe(3)
    expect(immutable.stdout).toMatch(/^! Volume\/default\/data: needs a person \(ImmutableFieldChanged\)$/m)
    expect(nomad.writes()).toHaveLength(writes)
    expect(inventory().equals(before)).toBe(true)
    await nomad.stop()
  })

  it('names the risk of an end that destroys data, and what is kept without --prune', async () => {
    const { folder, write, remove, nomad, mooring } = await startNomad()
    write('stays.yaml', volumeYAML('stays'))
    write('goes.yaml', volumeYAML('goes', { deletionPolicy: 'Delete' }))
    expect((await mooring('apply', folder, '--wait')).status).toBe(0)
    remove('goes.yaml')
    const kept = await mooring('plan', folder)
    expect(kept).toMatchObject({ status: 0 })
    expect(kept.stdout).toMatch(/^· Volume\/default\/goes: is left as it is \(PruneDisabled\)$/m)
    const pruned = await mooring('plan', folder, '--prune')
    expect(pruned.status).toBe(3)
    expect(pruned.stdout).toMatch(
      /^- Volume\/default\/goes: deregister-volume \(risk for data: destroys data\)$/m,
    )

    // An end that waits destroys data as well, once it goes on.
    write('goes.yaml', volumeYAML('goes', { deletionPolicy: 'Delete' }))
    write('snapshot.yaml', snapshotYAML('of-goes', 'goes'))
    expect((await mooring('apply', folder, '--wait')).status).toBe(0)
    remove('goes.yaml')
    const waiting = await mooring('plan', folder, '--prune')
    expect(waiting.status).toBe(3)
    expect(waiting.stdout).toMatch(
      /^\? Volume\/default\/goes: waits \(HasDependents\), then ends \(risk for data: destroys data\)$/m,
    )
    expect(waiting.stdout).toMatch(/^1 to end, 2 as declared\.$/m)
    await nomad.stop()
  })

  it('exits 1 for a mistake, which it names, and where Nomad does not answer', async () => {
    const { folder, write, nomad, mooring } = await startNomad()
    write('data.yaml', volumeYAML('data'))
    write('broken.yaml', 'kind: Volume')
    const broken = await mooring('plan', folder)
    expect(broken.status).toBe(1)
    expect(broken.stderr).toMatch(/broken\.yaml:1:1: apiVersion/)
    await nomad.stop()
    const unreachable = await mooring('plan', folder)
    expect(unreachable.status).toBe(1)
    expect(unreachable.stderr).toMatch(/nothing listens at/)
  })

  it('plans another folder beside a running operator, from what that has recorded', async () => {
    const { folder, dataDirectory, write } = workplace()
    write('data.yaml', volumeYAML('data', { capacity: '{min: 1Gi}' }))
    const mooring = await startUp(folder, dataDirectory)
    await mooring.status('Volume/default/data', 'ready')
    const same = await runMooring(['plan', '--data-dir', dataDirectory])
    expect(same).toMatchObject({ status: 0, stdout: '1 as declared.\n' })
    const change = workplace()
    change.write('data.yaml', volumeYAML('data', { capacity: '{min: 2Gi}' }))
    const other = await runMooring(['plan', change.folder, '--data-dir', dataDirectory, '-o', 'json'])
    expect(other.status).toBe(3)
    expect(JSON.parse(other.stdout).steps).toMatchObject([
      { key: 'Volume/default/data', step: 'expand-volume', risk: 'none' },
    ])
    await mooring.stop()
  })
})

describe('mooring apply', () => {
  it('makes everything once with a line for each change; the exit status says how it went', async () => {
    const { folder, write, nomad, mooring } = await startNomad()
    write('data.yaml', volumeYAML('data'))
    write('snapshot.yaml', snapshotYAML('nightly', 'data'))
    write('copy.yaml', volumeYAML('copy', { source: '{snapshot: nightly}' }))
    const applied = await mooring('apply', folder, '--wait')
    expect(applied.status).toBe(0)
    expect(applied.stdout).toMatch(/^Volume default\/copy: Ready \(AsDeclared\)$/m)
    expect(applied.stdout).toMatch(/^\[#{30}\] {2}3 of 3 Ready$/m)
    expect(await nomad.list()).toHaveLength(2)

    write(
      'waits.yaml',
      volumeYAML('waits', { pluginID: 'elsewhere' }).replace('  pluginID: directories\n', ''),
    )
    const waiting = await mooring('apply', folder)
    expect(waiting.status).toBe(3)
    expect(waiting.stdout).toMatch(/^Volume default\/waits: Reconciling \(PluginNotFound\)/m)
    expect((await mooring('apply', folder, '--wait', '--timeout', '1s')).status).toBe(3)
    write('waits.yaml', volumeYAML('copy'))
    expect((await mooring('apply', folder, '--wait')).status).toBe(1)
    await nomad.stop()
  })

  it('asks an operator that runs there, and refuses another folder', async () => {
    const { folder, dataDirectory, write } = workplace()
    const mooring = await startUp(folder, dataDirectory)
    write('data.yaml', volumeYAML('data'))
    const applied = await runMooring(['apply', '--wait', '--data-dir', dataDirectory])
    expect(applied).toMatchObject({ status: 0 })
    expect(applied.stdout).toMatch(/1 of 1 Ready$/m)
    const other = await runMooring(['apply', workplace().folder, '--data-dir', dataDirectory])
    expect(other.status).toBe(1)
    expect(other.stderr).toMatch(/an operator runs here/)
    await mooring.stop()
  })
})

describe('mooring orphans', () => {
  it('lists what nothing declares in storage, in Nomad, and of what was declared once; ends nothing (nomad#12197)', async () => {
    const { folder, write, remove, nomad, nomadDataDirectory, mooring } = await startNomad()
    for (const [name, deletionPolicy] of [
      ['stays', 'Retain'],
      ['kept', 'Retain'],
      ['out', 'Deregister'],
      ['held', 'Delete'],
    ] as const) {
      write(`${name}.yaml`, volumeYAML(name, { deletionPolicy }))
    }
    expect((await mooring('apply', folder, '--wait')).status).toBe(0)
    remove('kept.yaml')
    remove('out.yaml')
    const prune = ['--prune', '--prune-delay', '1ms', '--rescan', '50ms', '--max-prune', '5']
    const pruned = await mooring('apply', folder, '--wait', ...prune)
    expect(pruned).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^Volume default\/kept: ended$/m),
    })
    remove('held.yaml')
    await mooring('apply', folder)
    const writes = nomad.writes().length

    const found = JSON.parse((await mooring('orphans', '--source', folder, '-o', 'json')).stdout)
    expect(found.inStorage).toMatchObject([
      {
        kind: 'Volume',
        pluginID: 'directories',
        released: { key: 'Volume/default/out', reason: 'Deregistered' },
      },
    ])
    expect(found.inNomad).toMatchObject([{ volumeID: 'kept', released: { reason: 'Retained' } }])
    expect(found.undeclared).toMatchObject([{ key: 'Volume/default/held', reason: 'PruneDisabled' }])
    expect(found.unknown).toEqual([])
    const text = await mooring('orphans', '--source', folder)
    expect(text).toMatchObject({ status: 0, stderr: '' })
    expect(text.stdout).toMatch(
      /^ {2}Volume default\/kept .*\(was Volume\/default\/kept until .*: Retained\)$/m,
    )
    expect(nomad.writes()).toHaveLength(writes)

    // The operator of the other data directory, which declares nothing, sees all of it.
    const asked = await runMooring(['orphans', '-o', 'json', '--data-dir', nomadDataDirectory])
    expect(
      JSON.parse(asked.stdout)
        .inNomad.map(({ volumeID }: { volumeID: string }) => volumeID)
        .sort(),
    ).toEqual(['held', 'kept', 'stays'])
    rmSync(folder, { recursive: true })
    const unread = await mooring('orphans', '--source', folder)
    expect(unread.stderr).toMatch(/is not there/)
    await nomad.stop()
  })
})

describe('mooring import', () => {
  it('writes declarations of what is there that validate, and that take it over without a write (terraform-provider-nomad#494)', async () => {
    const { folder, nomad, mooring } = await startNomad()
    for (const [id, fields] of [
      ['plain', {}],
      ['a_b', {}],
      [
        'a-b',
        { Secrets: { password: 'hunter2' }, MountOptions: { FSType: 'ext4', MountFlags: ['noatime'] } },
      ],
    ] as const) {
      const volume = {
        ...{ ID: id, Name: id, PluginID: 'directories', RequestedCapacityMin: 2 ** 30, ...fields },
        RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
      }
      const body = JSON.stringify({ Volumes: [volume] })
      const created = await fetch(`${nomad.url}/v1/volume/csi/${id}/create`, { method: 'PUT', body })
      expect(created.status).toBe(200)
    }
    await vi.waitFor(() => expect(nomad.writes()).toHaveLength(3))

    expect((await mooring('import', '--out', folder)).status).toBe(0)
    const text = readFileSync(join(folder, 'a-b.yaml'), 'utf8')
    expect(text).toMatch(/^ {2}externalID: a-b$/m)
    expect(text).toMatch(/^ {2}# Nomad never shows secrets/m)
    expect(text).toMatch(/^ {2}# Nomad has mount flags here/m)
    expect(text).not.toMatch(/hunter2|REDACTED/)
    expect((await runMooring(['validate', folder])).status).toBe(0)
    expect((await mooring('import', '--out', folder)).stderr).toMatch(/is there already/)
    const all = workplace().folder
    expect((await mooring('import', '-n', '*', '--out', all)).stderr).toBe('3 volumes written\n')
    expect(readFileSync(join(all, 'default/a-b.yaml'), 'utf8')).toBe(text)
    expect((await mooring('import', '-n', '*', 'other')).stderr).toMatch(/no volume "other" in any namespace/)

    expect((await mooring('plan', folder)).stdout).toMatch(/^3 to take over\.$/m)
    expect((await mooring('apply', folder, '--wait')).status).toBe(0)
    expect((await mooring('plan', folder)).stdout).toBe('3 as declared.\n')
    expect((await mooring('import')).stdout).toBe('')
    expect((await mooring('import', 'nothing')).stderr).toMatch(/Nomad has no volume "nothing"/)
    expect(nomad.writes()).toHaveLength(3)
    await nomad.stop()
  })

  it('writes declarations of snapshots that adopt them without a write, and by which an orphan is deleted with all checks of a delete', async () => {
    const { folder, write, remove, nomad, mooring } = await startNomad()
    write('data.yaml', volumeYAML('data'))
    expect((await mooring('apply', folder, '--wait')).status).toBe(0)
    const body = JSON.stringify({ Snapshots: [{ SourceVolumeID: 'data', Name: 'by-hand' }] })
    const taken = await fetch(`${nomad.url}/v1/volumes/snapshot`, { method: 'PUT', body })
    expect(taken.status).toBe(200)
    const { Snapshots } = (await taken.json()) as { Snapshots: { ID: string }[] }
    const id = Snapshots[0]?.ID ?? ''
    const listed = async () => {
      const answer = await fetch(`${nomad.url}/v1/volumes/snapshot?plugin_id=directories`)
      return ((await answer.json()) as { Snapshots: { ID: string }[] | null }).Snapshots ?? []
    }
    const orphans = await mooring('orphans', '--source', folder)
    expect(orphans.stdout).toContain(`Snapshot ${id}  plugin directories`)
    expect(orphans.stdout).toMatch(/run mooring import --snapshots$/m)

    const imported = await mooring('import', '--snapshots', '--out', folder)
    expect(imported).toMatchObject({ status: 0, stderr: '1 snapshot written\n' })
    const file = `${id}.snapshot.yaml`
    const text = readFileSync(join(folder, file), 'utf8')
    expect(text).toMatch(/^ {2}volume: data$/m)
    const writes = nomad.writes().length
    const plan = await mooring('plan', folder)
    expect(plan.stdout).toMatch(/: adopt-snapshot \(risk for data: none\)$/m)
    expect((await mooring('apply', folder, '--wait')).status).toBe(0)
    expect(nomad.writes()).toHaveLength(writes)
    expect(await listed()).toMatchObject([{ ID: id }])
    expect((await mooring('import', '--snapshots')).stderr).toBe('0 snapshots written\n')
    const unmanaged = await mooring('import', '--snapshots', 'other')
    expect(unmanaged).toMatchObject({ status: 1, stderr: expect.stringMatching(/does not manage it/) })

    write(file, text.replace('Retain', 'Delete'))
    expect((await mooring('apply', folder, '--wait')).status).toBe(0)
    remove(file)
    const prune = ['--prune', '--prune-delay', '1ms', '--rescan', '50ms']
    expect((await mooring('apply', folder, '--wait', ...prune)).status).toBe(0)
    expect(await listed()).toEqual([])
    await nomad.stop()
  })
})
