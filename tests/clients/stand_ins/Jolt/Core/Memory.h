// Jolt's allocation functions, for machines without Jolt: the signatures of Jolt 5.5.0.
#pragma once

namespace JPH {

using AllocateFunction = void* (*)(size_t inSize);
using ReallocateFunction = void* (*)(void* inBlock, size_t inOldSize, size_t inNewSize);
using FreeFunction = void (*)(void* inBlock);
using AlignedAllocateFunction = void* (*)(size_t inSize, size_t inAlignment);
using AlignedFreeFunction = void (*)(void* inBlock);

inline AllocateFunction Allocate = nullptr;
inline ReallocateFunction Reallocate = nullptr;
inline FreeFunction Free = nullptr;
inline AlignedAllocateFunction AlignedAllocate = nullptr;
inline AlignedFreeFunction AlignedFree = nullptr;

}  // namespace JPH
