import { driverCommand } from '../../src/commands/driver.ts'

await driverCommand().parseAsync(process.argv)
