import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { FileOperations } from './file-operations.ts'
import { runTool, ToolError } from './run-tool.ts'

interface LoopDevice {
  readonly name: string
  readonly ro: boolean
}

/** The loop devices of a file. The kernel is asked each time: it alone knows after a crash or reboot. */
export async function listLoopDevices(file: string): Promise<LoopDevice[]> {
  const args = ['--associated', file, '--json', '--output', 'NAME,RO']
  const output = await runTool('losetup', args)
  if (output.trim() === '') return []
  return (JSON.parse(output) as { loopdevices: LoopDevice[] }).loopdevices
}

/** The device that shows a file, set up now if there is none. Read-only needs one of its own. */
export async function ensureLoopDevice(
  files: FileOperations,
  file: string,
  readonly: boolean,
): Promise<string> {
  const present = (await listLoopDevices(file)).find(({ ro }) => ro === readonly)
  if (present !== undefined) return present.name
  const args = [...(readonly ? ['--read-only'] : []), '--find', '--show', file]
  return (await files.run('losetup', args)).trim()
}

/** Makes every device of a file show the file's present size. */
export async function resizeLoopDevices(files: FileOperations, file: string): Promise<void> {
  for (const { name } of await listLoopDevices(file)) await files.run('losetup', ['--set-capacity', name])
}

export async function detachLoopDevices(files: FileOperations, file: string): Promise<void> {
  for (const { name } of await listLoopDevices(file)) await files.run('losetup', ['--detach', name])
}

/** Whether this process may set up loop devices: by setting one up. */
export async function canUseLoopDevices(files: FileOperations, directory: string): Promise<boolean> {
  const probe = join(directory, `loop-probe.${randomBytes(4).toString('hex')}`)
  try {
    await files.createFile(probe, '')
    // A hole, so that a full file system can tell, too.
    await files.truncate(probe, 4096)
    await ensureLoopDevice(files, probe, true)
    await detachLoopDevices(files, probe)
    return true
  } catch (error) {
    if (error instanceof ToolError) return false
    throw error
  } finally {
    await files.unlink(probe)
  }
}
