import { describePrograms } from '@coatcheck/harness/readme-programs'

describePrograms(new URL('../', import.meta.url), 3, 'GUIDE.md')
