/* SPDX-License-Identifier: MIT */
/*
 * void p2psim_switch_asm(void **save_sp, void *load_sp)
 *
 * Saves what the ABI says a callee must keep on the stack, exchanges stack pointers, restores.  The return is an indirect
 * jump: the return predictor knows nothing about the other stack.
 */
	.text
	.globl p2psim_switch_asm
	.hidden p2psim_switch_asm
	.type p2psim_switch_asm, %function
#if defined(__x86_64__)
p2psim_switch_asm:
	.cfi_startproc
	endbr64
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	popq %r8
	jmp *%r8
	.cfi_endproc
#elif defined(__aarch64__)
p2psim_switch_asm:
	.cfi_startproc
	sub sp, sp, #160
	stp x19, x20, [sp, #0]
	stp x21, x22, [sp, #16]
	stp x23, x24, [sp, #32]
	stp x25, x26, [sp, #48]
	stp x27, x28, [sp, #64]
	stp x29, x30, [sp, #80]
	stp d8, d9, [sp, #96]
	stp d10, d11, [sp, #112]
	stp d12, d13, [sp, #128]
	stp d14, d15, [sp, #144]
	mov x9, sp
	str x9, [x0]
	mov sp, x1
	ldp x19, x20, [sp, #0]
	ldp x21, x22, [sp, #16]
	ldp x23, x24, [sp, #32]
	ldp x25, x26, [sp, #48]
	ldp x27, x28, [sp, #64]
	ldp x29, x30, [sp, #80]
	ldp d8, d9, [sp, #96]
	ldp d10, d11, [sp, #112]
	ldp d12, d13, [sp, #128]
	ldp d14, d15, [sp, #144]
	add sp, sp, #160
	br x30
	.cfi_endproc
#endif
	.size p2psim_switch_asm, . - p2psim_switch_asm
	.section .note.GNU-stack,"",%progbits
