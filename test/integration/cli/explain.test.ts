import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { reasons } from '../../../src/lib/reasons/reasons.ts'
import { volumeYAML } from '../../helpers/declarations-yaml.ts'
import { runMooring } from '../../helpers/run-mooring.ts'
import { startUp, workplace } from '../../helpers/start-up.ts'

describe('mooring explain', () => {
  it('lists every reason in a line of its own', async () => {
    const { stdout, status } = await runMooring(['explain'])
    expect(status).toBe(0)
    for (const reason of Object.keys(reasons)) expect(stdout).toMatch(new RegExp(`^  ${reason} +[A-Z]`, 'm'))
  })

  it('says of a reason what happened, what it means for the data, and what to do', async () => {
    const { stdout } = await runMooring(['explain', 'vanished'])
    expect(stdout).toMatch(/^Vanished\n\nHappened +What Mooring recorded is gone/)
    expect(stdout).toMatch(/^Data +The data are lost/m)
    expect(stdout).toMatch(/^Mooring +It never puts a blank volume/m)
    expect(stdout).toMatch(/^You +Bring the external volume back/m)
    expect(stdout).toMatch(/^ +mooring recreate NAMESPACE\/ID --lost EXTERNAL_ID$/m)
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  it('gives programs the same as JSON', async () => {
    const { stdout } = await runMooring(['explain', '-o', 'json'])
    const { explanations } = JSON.parse(stdout)
    expect(explanations).toHaveLength(Object.keys(reasons).length)
    const [vanished] = explanations.filter(({ reason }: { reason: string }) => reason === 'Vanished')
    expect(Object.keys(vanished)).toEqual(['reason', 'happened', 'data', 'mooring', 'person'])
    expect(vanished.person[1].commands).toEqual(['mooring recreate NAMESPACE/ID --lost EXTERNAL_ID'])
  })

  it('names the reason that a misspelled word means', async () => {
    const { stderr, status } = await runMooring(['explain', 'Vanishd'])
    expect(status).not.toBe(0)
    expect(stderr).toMatch(/"Vanishd" is not a reason: do you mean Vanished\?/)
  })

  it('explains a declaration as it stands, with its own names in the commands', async () => {
    const { folder, dataDirectory, write } = workplace()
    write('data.yaml', volumeYAML('data'))
    write('again.yaml', volumeYAML('data', { deletionPolicy: 'Delete' }))
    const mooring = await startUp(folder, dataDirectory)
    await mooring.status('Volume/default/data', 'ready')
    const ask = async (...words: string[]) => {
      const ended = await runMooring(['explain', ...words, '--data-dir', dataDirectory])
      return ended.stdout + ended.stderr
    }
    const told = await ask('volume', 'data')
    expect(told).toMatch(/^Volume default\/data: Ready AsDeclared$/m)
    expect(told).toMatch(/^You +Nothing needs to be done\.$/m)
    expect(told).toMatch(/^Volume default\/data: Refused OwnedElsewhere$/m)
    expect(told).toMatch(/^You +Remove one of the two\.$/m)
    await mooring.stop()

    rmSync(folder, { recursive: true })
    const left = await startUp(folder, dataDirectory)
    await left.status('Volume/default/data', 'suspended')
    expect(await ask('data')).toContain(
      `mooring confirm-removal volume default/data --data-dir ${dataDirectory}\n`,
    )
    await left.stop()
    const alone = await ask('data')
    expect(alone).toContain(`No operator runs on ${dataDirectory}; this is what the last one recorded.`)
    expect(alone).toMatch(/^Volume default\/data: Held Source/m)
    expect(await ask('volume', 'other')).toMatch(/Volume\/default\/other is neither declared nor managed/)
  })
})
